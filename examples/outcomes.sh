#!/bin/sh
# Prints how each block job ended: source, job, outcome. It goes on from where it was, also after it was stopped: the last cursor is kept in a file.
# Usage: outcomes.sh [URL [FILE]]      needs curl and jq; a token, where the gateway asks for one: QMP_GATEWAY_TOKEN=...
set -eu
url=${1:-http://127.0.0.1:7070}
file=${2:-outcomes.cursor}

stream() {
  # A cursor that is too old, or of another log, is answered with a reset, which has the settlements of the last day.
  curl -fsSN "${url%/}/v1/events?types=GATEWAY_JOB_SETTLED" \
    -H "Last-Event-ID: $(cat "$file" 2>/dev/null || true)" \
    ${QMP_GATEWAY_TOKEN:+-H "Authorization: Bearer $QMP_GATEWAY_TOKEN"}
}

while :; do
  # Lines of one message: "event: NAME" (none for an event of the log), "id: CURSOR", "data: JSON"; a blank line ends it.
  stream | while IFS= read -r line; do
    case $line in
      'event: '*) event=${line#event: } ;;
      'id: '*) id=${line#id: } ;;
      'data: '*) data=${line#data: } ;;
      '')
        case ${event:-message} in
          message) [ -z "${data:-}" ] || printf '%s\n' "$data" | jq -r '"\(.source) \(.job.id) \(.data.outcome)"' ;;
          reset) printf '%s\n' "$data" | jq -r '"reset: \(.reason)", (.settled[]? | "\(.source) \(.job) \(.settled.outcome)")' ;;
        esac
        # Printed first, kept then: what is printed twice after a crash is better than what is never printed.
        [ -z "${id:-}" ] || { printf '%s\n' "$id" >"$file.new" && mv "$file.new" "$file"; }
        event= id= data=
        ;;
    esac
  done
  sleep 2
done
