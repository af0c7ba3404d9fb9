# Reads or changes one option of an INI file. What to do comes in the environment: no value is taken for a pattern.
# SW_DO: set, multiline, prepend, get, values, has, comment, uncomment, delete, sections.

function option_of(line,    name) {
    if (line !~ /^[^ \t#;=\[][^=]*=/) return ""
    name = substr(line, 1, index(line, "=") - 1)
    sub(/[ \t]+$/, "", name)
    return name
}

function value_of(line) {
    line = substr(line, index(line, "=") + 1)
    sub(/^[ \t]+/, "", line)
    sub(/[ \t]+$/, "", line)
    return line
}

# A value of several lines goes on indented.
function written(prefix, value,    lines, count, at, text) {
    count = split(value, lines, "\n")
    text = prefix lines[1]
    for (at = 2; at <= count; at++) text = text "\n" (lines[at] ~ /^[ \t]/ ? "" : "    ") lines[at]
    return text
}

function emit(text) { if (changes) print text }

function emit_values(    at) {
    for (at = 1; at <= value_count; at++) emit(written(option " = ", values[at]))
    placed = 1
}

BEGIN {
    what = ENVIRON["SW_DO"]; section = ENVIRON["SW_SECTION"]; option = ENVIRON["SW_OPTION"]
    changes = what !~ /^(get|values|has|sections)$/
    value_count = split(ENVIRON["SW_VALUES"], values, "\037")
    if (value_count == 0 && (what == "set" || what == "prepend")) value_count = 1
}

{ sub(/\r$/, "") }

/^\[[^\]]*\]/ {
    mine = 0
    if (holding) release()
    current = substr($0, 2, index($0, "]") - 2)
    if (what == "sections") sections = sections (sections == "" ? "" : " ") current
    emit($0)
    if (current == section && !seen++) {
        if (what == "multiline" || what == "prepend") emit_values()
        # Where there is no such option its line goes here: the rest of the section waits until that is known.
        holding = (what == "set")
    }
    next
}

function keep(text) {
    if (holding) waiting[++held] = text
    else emit(text)
}

function release(    at) {
    if (!placed) emit_values()
    for (at = 1; at <= held; at++) emit(waiting[at])
    holding = 0
}

# The further lines of a value belong to it.
mine && /^[ \t]+[^ \t]/ {
    if (what == "comment") keep("#" $0)
    else if (what == "get") { more = $0; sub(/^[ \t]+/, "", more); first = first "\n" more }
    next
}

{ mine = 0 }

current == section && option_of($0) == option {
    mine = 1
    found++
    if (what == "set") {
        if (!placed) {
            match($0, /^[^=]*=[ \t]*/)
            keep(written(substr($0, 1, RLENGTH), values[1]))
            placed = 1
        }
    } else if (what == "get") {
        if (found == 1) first = value_of($0)
        else mine = 0
    }
    else if (what == "values") print value_of($0)
    else if (what == "comment") keep("#" $0)
    else if (what == "prepend" || what == "uncomment") { keep($0); mine = 0 }
    next
}

what == "uncomment" && current == section && /^[ \t]*#/ {
    bare = $0
    sub(/^[ \t]*#[ \t]*/, "", bare)
    keep(option_of(bare) == option ? bare : $0)
    next
}

{ keep($0) }

END {
    if (holding) release()
    if (changes && !seen && what ~ /^(set|multiline|prepend)$/) {
        if (NR > 0) print ""
        print "[" section "]"
        emit_values()
    }
    if (what == "get" && found) print first
    if (what == "sections") print sections
    if (what == "has") exit(found ? 0 : 1)
}
