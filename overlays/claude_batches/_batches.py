"""`client.messages.batches`: the generated operations, and what no spec can say about them."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, cast

import anyio.lowlevel
from claude_batches_api.operations import messages_batches as operations
from claude_batches_api.request import Request, RequestOptions

from ._adoption import adopted, remember
from ._ambiguity import Creation, OnAmbiguous, candidates
from ._batch_body import BatchWriter, WrittenBatch
from ._errors import (
    AmbiguousCreateError,
    AsyncAmbiguousCreateError,
    ConfigurationError,
    RequestEncodingError,
)
from ._parse import parse
from ._results._resource import AsyncResultsMixin, ResultsMixin
from ._steps import AnyResponse
from ._transport import AsyncTransport, Exchange, Transport
from ._wait import LookOptions, wait_steps

if TYPE_CHECKING:
    from claude_batches_api import params
    from claude_batches_api.models import MessageBatch

__all__ = ["AsyncBatches", "Batches"]

T = TypeVar("T")

#: How many requests an async client writes before it lets others run.
WRITTEN_AT_ONCE = 200


class Batches(ResultsMixin):
    """Create, follow, cancel and delete batches of Messages requests, and read their results."""

    _transport: Transport  # pyright: ignore[reportIncompatibleVariableOverride]

    def create(  # pyright: ignore[reportIncompatibleMethodOverride]  # it takes two arguments more
        self,
        *,
        requests: Iterable[params.Request],
        user_profile_id: str | None = None,
        workspace_id: str | None = None,
        on_ambiguous: OnAmbiguous = "raise",
        validate: bool = True,
        **options: Unpack[RequestOptions],
    ) -> MessageBatch:
        """Create a batch, and never two.

        The requests are written to a temporary file as they come, so any number of them takes little
        memory. Then they are sent. If that fails in a way that leaves it open whether the server made the
        batch, it is not sent again: see `on_ambiguous`.

        Args:
            requests: Any iterable of 1 to 100,000 requests, at most 256 MB in all; a generator will do.
            user_profile_id: The user profile to attribute every request of this batch to.
            workspace_id: The workspace to act in, where the credential can act in several.
            on_ambiguous: What to do when it is unknown whether the batch was made. `"raise"` raises
                `AmbiguousCreateError`. `"reconcile"` lists the batches, for about half a minute if need be,
                and returns the one that was made in that time with that number of requests, if it is just
                one, as an `AdoptedBatch`; otherwise it raises as well. Should another program have made a
                batch of the same size in those seconds, and yours was not made, that one is adopted;
                reading its results in this process then raises, since their ids are not yours. `"retry"`
                sends again, and may pay twice.
            validate: Whether to check, before anything is sent, what the API would refuse the whole batch
                for: the form and uniqueness of each custom_id, the number of requests, the size, and
                `stream` and `betas` in params.
            **options: See `RequestOptions`. `max_retries` counts attempts that certainly were not taken.

        Returns:
            The batch, accepted and in progress.

        Raises:
            InvalidBatchError: The requests can't be a batch; nothing was sent.
            AmbiguousCreateError: It is unknown whether the batch was made.
            APIStatusError: The server refused it; nothing was made.
            APIConnectionError: The server could not be reached, or not for long enough; nothing was made.
        """
        if isinstance(requests, AsyncIterable):
            raise RequestEncodingError("requests is an async iterable: use AsyncClient for it")
        _check_iterable(requests)
        writer = BatchWriter(validate=validate)
        try:
            for request in requests:
                writer.add(request)
            exchange = _creating(self, writer, user_profile_id, workspace_id, on_ambiguous, options)
        except BaseException:
            writer.discard()
            raise
        return self._transport.deliver(exchange)

    def wait(
        self,
        message_batch_id: str,
        *,
        timeout: float | None = None,
        poll_interval: float = 2.0,
        max_poll_interval: float = 60.0,
        patience: float = 300.0,
        on_poll: Callable[[MessageBatch], object] | None = None,
        workspace_id: str | None = None,
        **options: Unpack[LookOptions],
    ) -> MessageBatch:
        """Wait until a batch has ended.

        The pauses between looks grow by half each time and differ a little at random. A batch made a moment
        ago may be unknown to the server for some seconds, which is waited out; so are lost connections and
        overload.

        Args:
            message_batch_id: The batch's `id`.
            timeout: Seconds to wait for the end; `None` waits as long as it takes (a batch ends within 24
                hours).
            poll_interval: Seconds before the second look.
            max_poll_interval: Seconds that the pauses grow up to.
            patience: Seconds that the server may be unreachable or overloaded without a break.
            on_poll: Is called with the batch after each look, the last one too.
            workspace_id: The workspace to act in, where the credential can act in several.
            **options: About each single look: `extra_headers`, `extra_query`, `max_retries`.

        Returns:
            The batch, whose `processing_status` is `ended`.

        Raises:
            BatchWaitTimeoutError: It has not ended in time; the error has the batch as it was last seen.
            APIError: A look failed in a way that won't pass.
        """
        return self._transport.sender.run(
            wait_steps(
                self._transport.config,
                self._transport.clock,
                message_batch_id,
                timeout=timeout,
                poll_interval=poll_interval,
                max_poll_interval=max_poll_interval,
                patience=patience,
                on_poll=on_poll,
                workspace_id=workspace_id,
                options=cast(RequestOptions, options),
            )
        )


class AsyncBatches(AsyncResultsMixin):
    """Create, follow, cancel and delete batches of Messages requests, and read their results."""

    _transport: AsyncTransport  # pyright: ignore[reportIncompatibleVariableOverride]

    async def create(  # pyright: ignore[reportIncompatibleMethodOverride]  # it takes two arguments more
        self,
        *,
        requests: Iterable[params.Request] | AsyncIterable[params.Request],
        user_profile_id: str | None = None,
        workspace_id: str | None = None,
        on_ambiguous: OnAmbiguous = "raise",
        validate: bool = True,
        **options: Unpack[RequestOptions],
    ) -> MessageBatch:
        """Create a batch, and never two.

        It is `Batches.create`, except that `requests` may be an async iterable as well, and that it raises
        `AsyncAmbiguousCreateError`, an `AmbiguousCreateError` whose `find_candidates()` is awaited.

        Args:
            requests: Any iterable or async iterable of 1 to 100,000 requests, at most 256 MB in all.
            user_profile_id: The user profile to attribute every request of this batch to.
            workspace_id: The workspace to act in, where the credential can act in several.
            on_ambiguous: What to do when it is unknown whether the batch was made; see `Batches.create`.
            validate: Whether to check, before anything is sent, what the API would refuse the whole batch
                for.
            **options: See `RequestOptions`. `max_retries` counts attempts that certainly were not taken.

        Returns:
            The batch, accepted and in progress.

        Raises:
            InvalidBatchError: The requests can't be a batch; nothing was sent.
            AsyncAmbiguousCreateError: It is unknown whether the batch was made.
            APIStatusError: The server refused it; nothing was made.
            APIConnectionError: The server could not be reached, or not for long enough; nothing was made.
        """
        if not isinstance(requests, AsyncIterable):
            _check_iterable(requests)
        writer = BatchWriter(validate=validate)
        try:
            if isinstance(requests, AsyncIterable):
                async for request in requests:
                    writer.add(request)
            else:
                for index, request in enumerate(requests, 1):
                    writer.add(request)
                    if index % WRITTEN_AT_ONCE == 0:
                        await anyio.lowlevel.checkpoint()
            exchange = _creating(self, writer, user_profile_id, workspace_id, on_ambiguous, options)
        except BaseException:
            writer.discard()
            raise
        return await self._transport.deliver(exchange)

    async def wait(
        self,
        message_batch_id: str,
        *,
        timeout: float | None = None,  # noqa: ASYNC109  # the name that the sync client has
        poll_interval: float = 2.0,
        max_poll_interval: float = 60.0,
        patience: float = 300.0,
        on_poll: Callable[[MessageBatch], object] | None = None,
        workspace_id: str | None = None,
        **options: Unpack[LookOptions],
    ) -> MessageBatch:
        """Wait until a batch has ended, letting others run.

        Args:
            message_batch_id: The batch's `id`.
            timeout: Seconds to wait for the end; `None` waits as long as it takes (a batch ends within 24
                hours).
            poll_interval: Seconds before the second look; each pause is half as long again as the one before.
            max_poll_interval: Seconds that the pauses grow up to.
            patience: Seconds that the server may be unreachable or overloaded without a break.
            on_poll: Is called with the batch after each look, and awaited if it gives something to await.
            workspace_id: The workspace to act in, where the credential can act in several.
            **options: About each single look: `extra_headers`, `extra_query`, `max_retries`.

        Returns:
            The batch, whose `processing_status` is `ended`.

        Raises:
            BatchWaitTimeoutError: It has not ended in time; the error has the batch as it was last seen.
            APIError: A look failed in a way that won't pass.
        """
        return await self._transport.sender.run(
            wait_steps(
                self._transport.config,
                self._transport.clock,
                message_batch_id,
                timeout=timeout,
                poll_interval=poll_interval,
                max_poll_interval=max_poll_interval,
                patience=patience,
                on_poll=on_poll,
                workspace_id=workspace_id,
                options=cast(RequestOptions, options),
            )
        )


def _check_iterable(requests: object) -> None:
    """Refuse what is no list of requests, in the words of the argument, before it is taken apart."""
    if isinstance(requests, Mapping):
        raise RequestEncodingError("requests is one dict: put it in a list")
    if isinstance(requests, str | bytes) or not isinstance(requests, Iterable):
        raise RequestEncodingError(f"requests must be an iterable of dicts; got {type(requests).__name__}")


def _creating(
    resource: Batches | AsyncBatches,
    writer: BatchWriter,
    user_profile_id: str | None,
    workspace_id: str | None,
    on_ambiguous: OnAmbiguous,
    options: Any,
) -> Exchange[MessageBatch]:
    """The exchange that creates a batch of what was written."""
    if on_ambiguous not in ("raise", "reconcile", "retry"):
        raise ConfigurationError(
            f'on_ambiguous must be "raise", "reconcile" or "retry"; got {on_ambiguous!r}'
        )
    transport = resource._transport  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    # What the spec adds to the operation arrives among the options, without a line changed here.
    known = RequestOptions.__annotations__.keys()
    arguments = {name: value for name, value in options.items() if name not in known}
    kept = cast(RequestOptions, {name: value for name, value in options.items() if name in known})
    request = operations.create(
        requests=(), user_profile_id=user_profile_id, workspace_id=workspace_id, **arguments
    )
    assert request.body is not None
    extra = kept.get("extra_body") or {}
    if "requests" in extra:
        raise RequestEncodingError("give the requests as `requests`, not in extra_body")
    others = {name: value for name, value in request.body.content.items() if name != "requests"}
    written = writer.finish({**others, **extra})
    creation = _creation(transport, request, kept, on_ambiguous, written)

    def parser(response: AnyResponse, content: bytes) -> MessageBatch:
        batch = parse(request, response, content)
        if creation.adopted is not None:
            return adopted(batch)
        remember(transport.config.origin, batch.id)
        return batch

    def around(call: Any, go: Any) -> Any:
        try:
            return (yield from creation.steps(call, go))
        finally:
            written.payload.close()

    return Exchange(request, kept, parser, guard=creation, body=written.payload, around=around)


def _creation(
    transport: Transport | AsyncTransport,
    request: Request[MessageBatch],
    options: RequestOptions,
    mode: OnAmbiguous,
    written: WrittenBatch,
) -> Creation:
    def find(error: AmbiguousCreateError) -> Any:
        # A list from a sync client, and a coroutine of one from an async client.
        return transport.sender.run(candidates(transport.config, transport.clock, error, options, request))

    return Creation(
        config=transport.config,
        clock=transport.clock,
        request=request,
        options=options,
        mode=mode,
        count=written.request_count,
        size=written.payload.size,
        ids=written.ids,
        error=AsyncAmbiguousCreateError if isinstance(transport, AsyncTransport) else AmbiguousCreateError,
        finder=find,
    )
