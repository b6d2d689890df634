"""The official package's tests that do not apply to this package, each with the reason."""

from __future__ import annotations

_MESSAGES = "messages.create is out of scope; tests/client proves the same of batches"
_PRIVATE = "a private part of the official package"
_LINES = "its lines are not results; they raise BadLineError in place of an empty model"
_SPELLING = "default_headers is case-insensitive, so it contains both spellings"
_HELPER = "x-stainless-helper is a header like any other"
_UPLOADS = "batches have no uploads of files"
_UNION = "parse(to=) takes no union"

#: Texts in test files that are replaced: the file, the text, the text in its place, and the reason.
SUBSTITUTIONS: tuple[tuple[str, str, str, str], ...] = (
    (
        "api_resources/messages/test_batches.py",
        "Expected a non-empty value for `message_batch_id` but received ''",
        "message_batch_id must .*; got ''",
        "another text of the ValueError",
    ),
    (
        "api_resources/messages/test_batches.py",
        '"speed": "standard",',
        "",
        "the API refuses it in a batch, and this package before sending",
    ),
    (
        "test_client.py",
        "Expected a non-empty value for `message_batch_id` but received None",
        "message_batch_id must .*; got None",
        "another text of the ValueError",
    ),
    (
        "test_client.py",
        "`default_headers` and `set_default_headers` arguments are mutually exclusive",
        "give default_headers= to add or set_default_headers= to replace, not both",
        "another text of the ValueError",
    ),
    (
        "test_client.py",
        "`default_query` and `set_default_query` arguments are mutually exclusive",
        "give default_query= to add or set_default_query= to replace, not both",
        "another text of the ValueError",
    ),
    (
        "test_client.py",
        'pytest.raises(TypeError, match="Invalid `http_client` arg")',
        'pytest.raises(ValueError, match="http_client must be an httpx")',
        "a ConfigurationError, like every invalid setting",
    ),
)

#: Reasons by patterns of test ids. A test of a pattern must fail or be skipped here.
NOT_APPLICABLE: dict[str, str] = {
    "api_resources/messages/test_batches.py::*[aiohttp]": "clients are httpx's or httpx2's",
    "api_resources/messages/test_batches.py::*::test_method_results[False]": _LINES,
    "decoders/test_jsonl.py::test_decoder_has_what_its_subclass_sets_after_init[*": _PRIVATE,
    "test_client.py::*::test_user_profile_id_header": _MESSAGES,
    "test_client.py::*::test_copy_default_options": "client.timeout reads as a tuple of four timeouts, also for None",
    "test_client.py::*::test_copy_build_request": "the official package skips it as well",
    "test_client.py::*::test_method_default_timeout*": _MESSAGES,
    "test_client.py::*::test_httpx_objects_rejected": "httpx is accepted as well as httpx2",
    "test_client.py::*::test_validate_headers": "an API key is sent as x-api-key, not as a bearer token",
    "test_client.py::*::test_with_options_headers_case_insensitive": _SPELLING,
    "test_client.py::*::test_multipart_content_type_case_insensitive": _UPLOADS,
    "test_client.py::*::test_multipart_repeating_array": _UPLOADS,
    "test_client.py::*::test_binary_content_upload*": _UPLOADS,
    "test_client.py::*::test_request_extra_json_merged_before_prepare_options": _PRIVATE,
    "test_client.py::*::test_request_data_prepared_before_prepare_options": _PRIVATE,
    "test_client.py::*::test_request_does_not_modify_the_options_it_is_given": _PRIVATE,
    "test_client.py::*::test_every_attempt_has_the_qualifiers": _PRIVATE,
    "test_client.py::*::test_request_x_stainless_helper_header_appends": _HELPER,
    "test_client.py::*::test_request_x_stainless_helper_header_collapses_case_variants": _HELPER,
    "test_client.py::*::test_request_x_stainless_helper_header_dedupes_multi_value": _HELPER,
    "test_client.py::*::test_copy_x_stainless_helper_header_appends": _HELPER,
    "test_client.py::*::test_basic_union_response": _UNION,
    "test_client.py::*::test_union_response_different_types": _UNION,
    "test_client.py::*::test_base_url_setter": "settings change by with_options()",
    "test_client.py::*::test_base_url_env": "client.base_url is a str without a slash at its end",
    "test_client.py::*::test_absolute_request_url*": "requests go to base_url",
    "test_client.py::*::test_client_max_retries_validation": "max_retries=None keeps the default",
    "test_client.py::*::test_default_stream_cls": "batches have no event streams",
    "test_client.py::*::test_received_text_for_expected_json": "a body that is not JSON is an error",
    "test_client.py::*::test_parse_retry_after_header*": _PRIVATE,
    "test_client.py::*::test_retrying_timeout_errors_doesnt_leak": _MESSAGES,
    "test_client.py::*::test_retrying_status_errors_doesnt_leak": _MESSAGES,
    "test_client.py::*::test_retries_taken*": _MESSAGES,
    "test_client.py::*::test_omit_retry_count_header*": _MESSAGES,
    "test_client.py::*::test_overwrite_retry_count_header*": _MESSAGES,
    "test_client.py::*::test_status_error_type_field": _MESSAGES,
    "test_client.py::*::test_follow_redirects*": "a redirected write raises RedirectError",
    "test_client.py::*::test_get_platform": "the user agent names no platform",
    "test_client.py::*::test_platform_headers_do_not_spawn_subprocesses": "the user agent names no platform",
    "test_client.py::*::test_aiohttp_refused_connection_is_not_a_timeout": "clients are httpx's or httpx2's",
    "test_response.py::test_extract_response_type_*": _PRIVATE,
    "test_response.py::*response_parse_mismatched_basemodel": "parse(to=) takes models of pydantic itself",
    "test_response.py::*response_parse_custom_stream": "batches have no event streams",
    "test_response.py::*response_basemodel_request_id": "only our own models have a request id",
    "test_response.py::*response_parse_pep604_union": _UNION,
    "test_response.py::*response_parse_expect_model_union_non_json_content[False]": _UNION,
}
