#!/usr/bin/env bash
# Compare a published OpenAPI document with the spec.
#
#     bash .github/upstream.sh DOCUMENT FOLDER
#
# DOCUMENT is a path or an address. The report is written to FOLDER/upstream-report.md. Prints `changed=true|false` and
# `report=FILE`, as outputs of a workflow's step.
set -euo pipefail

document=${1:?a path or an address of the published document is needed: the input, or the variable UPSTREAM_DOCUMENT}
folder=${2:?a folder for the report is needed}
python=${PYTHON:-.venv/bin/python}
file=$document

case $document in
    https://*)
        file=$folder/upstream-document
        case $document in *.json) file+=.json ;; *) file+=.yaml ;; esac
        curl --fail --silent --show-error --location --proto '=https' --max-filesize 100000000 --output "$file" "$document"
        ;;
    *://*)
        echo "only https addresses are read: $document" >&2
        exit 1
        ;;
esac

report=$folder/upstream-report.md
differences=$folder/upstream-differences
entry=$folder/upstream-entry
status=0
"$python" codegen.py upstream "$file" >"$differences" || status=$?
[ "$status" -le 1 ] || exit "$status"
# The entry for the changelog covers edits of the spec that are on this branch already.
"$python" codegen.py diff --markdown >"$entry" || [ $? = 1 ]

{
    echo "The published document differs from \`spec/openapi.yaml\`. Edit the spec on this branch, delete \`upstream.md\`, and"
    echo "see docs/maintainers/upstream.md for the next steps."
    echo
    echo "## Differences"
    echo
    echo '```text'
    cat "$differences"
    echo '```'
    echo
    echo "## Entry for the changelog"
    echo
    cat "$entry"
} >"$report"

echo "changed=$([ "$status" = 0 ] && echo false || echo true)"
echo "report=$report"
