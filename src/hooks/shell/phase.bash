#!/bin/bash
# Runs requests in a shell of hooks on a host: phase.bash NAME DIGEST LIMIT MARK anew|adopt, requests on standard input.
# As with puppet, the shell has a session of its own and writes to a file, so a broken connection does not end it; one
# that ended well while nobody watched counts. Status: 0 well, 1 not, 66 other files have to be sent first.
set -u
umask 077
name=$1 digest=$2 limit=$3 mark=$4 mode=$5
cd "$(dirname "$0")/../.." || exit 1
work=$PWD
[[ -f stamp && $(< stamp) == "$digest" ]] || exit 66
requests=$(cat)

exec 9>> lock
flock 9 || exit 1
if [[ $mode == adopt && -f $name.status && $(< "$name.status") == 0 ]]; then
    cat "$name.output"
    exit 0
fi
rm -f "$name.status"
printf '%s\n' "$requests" > requests
: > "$name.output"
export name work limit mark LC_ALL=C.UTF-8 TOP_DIR=$work/workspace/top
export STACKWRIGHT_MARK=$mark STACKWRIGHT_WORK=$work STACKWRIGHT_LIMIT=$limit
setsid bash -c '
    cd "$TOP_DIR"
    setsid --wait bash --noprofile --norc "$work/workspace/shell/driver.bash" \
        3< "$work/requests" < /dev/null >> "$work/$name.output" 2>&1 9>&-
    status=$?
    printf "%sended\037status %s\n" "$mark" "$status" >> "$work/$name.output"
    echo "$status" > "$work/$name.status.new"
    mv "$work/$name.status.new" "$work/$name.status"
' < /dev/null > /dev/null 2>&1 &
shell=$!
exec 9>&-
tail --pid="$shell" --sleep-interval=0.05 --lines=+1 --follow=descriptor "$name.output" 2> /dev/null
wait "$shell"
[[ $(< "$name.status") == 0 ]]
