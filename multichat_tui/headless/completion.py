"""Scripts that complete a command line in bash, zsh and fish, made from the grammar.

What is known beforehand stands in the script; names of channels and people are asked of the program (`multichat complete-names`),
which never asks for a passphrase. Names come from others: no script hands them to the shell to be expanded.
"""

import shlex

from multichat_tui.headless.completed import FILES
from multichat_tui.headless.grammar import Command, Grammar, Option


def completion_script(shell: str, grammar: Grammar) -> str:
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](grammar)


def _names(commands: tuple[Command, ...]) -> list[str]:
    return [name for command in commands for name in (command.path[-1], *command.aliases)]


def _taking(options: tuple[Option, ...]) -> list[Option]:
    return [option for option in options if option.value]


def _all_options(grammar: Grammar) -> tuple[Option, ...]:
    """Every option once, by its names."""
    found = {option.names: option for option in (*grammar.root.options, *grammar.everywhere)}
    for command in grammar.commands():
        found |= {option.names: option for option in command.options}
    return tuple(found.values())


def _flags(options: tuple[Option, ...]) -> str:
    return " ".join(name for option in options for name in option.names)


# bash and zsh share one body: what differs is how words come in and candidates go out.


def _tables(grammar: Grammar) -> list[str]:
    """Shell functions that say what may follow: `_multichat_verbs`, `_multichat_flags PATH`, `_multichat_words PATH`."""
    everywhere = grammar.everywhere
    lines = ["_multichat_flags() {", '  case "$1" in']
    for command in (grammar.root, *grammar.commands()):
        path = " ".join(command.path)
        lines.append(f"    {shlex.quote(path)}) echo {shlex.quote(_flags((*command.options, *everywhere)))} ;;")
    lines += [f"    *) echo {shlex.quote(_flags(everywhere))} ;;", "  esac", "}"]
    lines += ["_multichat_canonical() {", '  case "$1" in']
    for command in grammar.root.children:
        if command.aliases:
            lines.append(f"    {'|'.join(command.aliases)}) echo {command.path[0]} ;;")
        for child in command.children:
            if child.aliases:
                quoted = "|".join(shlex.quote(f"{command.path[0]} {alias}") for alias in child.aliases)
                lines.append(f"    {quoted}) echo {shlex.quote(' '.join(child.path))} ;;")
    lines += ['    *) echo "$1" ;;', "  esac", "}"]
    lines += ["_multichat_actions() {", '  case "$1" in']
    lines += [
        f"    {c.path[0]}) echo {shlex.quote(' '.join(_names(c.children)))} ;;" for c in grammar.root.children if c.children
    ]
    lines += ["  esac", "}", "_multichat_takes() {", '  case "$1" in']
    taking = "|".join(name for option in _taking(_all_options(grammar)) for name in option.names)
    lines += [f"    {taking}) return 0 ;;", "  esac", "  return 1", "}"]
    lines += ["_multichat_value() {", '  case "$1" in']
    for option in _taking(_all_options(grammar)):
        kind = f"words {' '.join(option.choices)}" if option.choices else f"names {' '.join(option.completed)}"
        if option.choices or option.completed:
            lines.append(f"    {'|'.join(option.names)}) echo {shlex.quote(kind)} ;;")
    lines += ["  esac", "}", "_multichat_words() {", '  case "$1 $2" in']
    for command in grammar.commands():
        for number, word in enumerate(command.words):
            kind = f"words {' '.join(word.choices)}" if word.choices else f"names {' '.join(word.completed)}"
            if word.choices or word.completed:
                lines.append(f"    {shlex.quote(' '.join(command.path) + f' {number}')}) echo {shlex.quote(kind)} ;;")
    return [*lines, "  esac", "}"]


_WALK = r"""
# What may stand at the end of the words before: sets kind and path.
_multichat_walk() {
  local word skip="" index=0 verb="" action="" ended=""
  _multichat_kind="" _multichat_path=""
  for word in "$@"; do
    if [ -n "$skip" ]; then
      if [ "$word" = "=" ]; then continue; fi
      skip=""
      continue
    fi
    if [ -z "$ended" ]; then
      case "$word" in
        --) ended=1; continue ;;
        --*=*) continue ;;
        -*) if _multichat_takes "$word"; then skip="$word"; fi; continue ;;
      esac
    fi
    if [ -z "$verb" ]; then
      verb="$(_multichat_canonical "$word")"
    elif [ -z "$action" ] && [ -n "$(_multichat_actions "$verb")" ]; then
      action="$(_multichat_canonical "$verb $word")"
      action="${action#"$verb "}"
    else
      index=$((index + 1))
    fi
  done
  if [ -n "$skip" ]; then
    _multichat_kind="$(_multichat_value "$skip")"
    [ -n "$_multichat_kind" ] || _multichat_kind="nothing"
    return
  fi
  _multichat_path="$verb${action:+ $action}"
  if [ -z "$verb" ]; then
    _multichat_kind="words @VERBS@"
  elif [ -z "$action" ] && [ -n "$(_multichat_actions "$verb")" ]; then
    _multichat_kind="words $(_multichat_actions "$verb")"
  else
    _multichat_kind="$(_multichat_words "$_multichat_path" "$index")"
  fi
}
"""

_BASH = r"""
_multichat() {
  local current="${COMP_WORDS[COMP_CWORD]}" name kind words=() skip=""
  local -a before=("${COMP_WORDS[@]:1:COMP_CWORD-1}")
  COMPREPLY=()
  _multichat_walk "${before[@]}"
  if [[ "$current" == -* && "$_multichat_kind" != nothing ]]; then
    _multichat_kind="words $(_multichat_flags "$_multichat_path")"
  fi
  case "$_multichat_kind" in
    words\ *)
      read -ra words <<< "${_multichat_kind#words }"
      for name in "${words[@]}"; do
        if [[ "$name" == "$current"* ]]; then COMPREPLY+=("$name"); fi
      done
      ;;
    names\ *)
      for kind in ${_multichat_kind#names }; do
        if [[ "$kind" == files ]]; then
          compopt -o default 2> /dev/null
          continue
        fi
        # A name is never expanded: it is compared, and quoted for the line.
        while IFS= read -r name; do
          if [[ "$name" == "$current"* || "$(printf %q "$name")" == "$current"* ]]; then
            COMPREPLY+=("$(printf %q "$name")")
          fi
        done < <(_multichat_ask "$kind" 2> /dev/null)
      done
      ;;
  esac
}
_multichat_ask() {
  local word given=() keep="" program="${COMP_WORDS[0]}"
  # The home and the profile that the line names count for its names too.
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ -n "$keep" ]]; then given+=("$keep" "$word"); keep=""; continue; fi
    case "$word" in --home|--profile) keep="$word" ;; esac
  done
  "${program/#\~/$HOME}" "${given[@]}" complete-names "$1" < /dev/null
}
complete -F _multichat multichat
"""

_ZSH = r"""
_multichat() {
  local current="${words[CURRENT]}" kind name
  local -a before given found
  before=("${(@)words[2,CURRENT-1]}")
  _multichat_walk "${before[@]}"
  if [[ "$current" == --*=* ]]; then
    _multichat_kind="$(_multichat_value "${current%%=*}")"
    compset -P '*='
  elif [[ "$current" == -* && "$_multichat_kind" != nothing ]]; then
    _multichat_kind="words $(_multichat_flags "$_multichat_path")"
  fi
  case "$_multichat_kind" in
    words\ *) found=(${=_multichat_kind#words }); compadd -a found ;;
    names\ *)
      local index=1
      while (( index < $#before )); do
        case "${before[index]}" in --home|--profile) given+=("${before[index]}" "${before[index+1]}") ;; esac
        (( index += 1 ))
      done
      for kind in ${=_multichat_kind#names }; do
        if [[ "$kind" == files ]]; then _files; continue; fi
        found=("${(@f)$("${words[1]}" "${given[@]}" complete-names "$kind" 2> /dev/null < /dev/null)}")
        compadd -a found
      done
      ;;
  esac
}
if [ "$funcstack[1]" = "_multichat" ]; then _multichat "$@"; else compdef _multichat multichat; fi
"""


def _shared(grammar: Grammar) -> str:
    verbs = " ".join(_names(grammar.root.children))
    return "\n".join(_tables(grammar)) + _WALK.replace("@VERBS@", verbs)


def _bash(grammar: Grammar) -> str:
    head = '# Completion of multichat for bash. To use it: eval "$(multichat completion bash)"\n'
    return head + _shared(grammar) + _BASH


def _zsh(grammar: Grammar) -> str:
    head = '#compdef multichat\n# Completion of multichat for zsh. To use it: eval "$(multichat completion zsh)"\n'
    return head + _shared(grammar) + _ZSH


def _fish(grammar: Grammar) -> str:
    lines = [
        "# Completion of multichat for fish. To use it: multichat completion fish | source",
        "complete -c multichat -f",
        "function __multichat_names",
        "    set -l given",
        "    set -l words (commandline -opc)",
        "    for at in (seq 2 (count $words))",
        "        switch $words[$at]",
        "            case --home --profile",
        "                set -a given $words[$at] $words[(math $at + 1)]",
        "        end",
        "    end",
        "    multichat $given complete-names $argv[1] 2>/dev/null </dev/null",
        "end",
    ]
    verbs = " ".join(_names(grammar.root.children))
    for option in (*grammar.root.options, *grammar.everywhere):
        lines.append(_fish_option(option, ""))
    for command in grammar.root.children:
        for name in (command.path[0], *command.aliases):
            told = shlex.quote(command.help)
            lines.append(f"complete -c multichat -n 'not __fish_seen_subcommand_from {verbs}' -a {name} -d {told}")
    for command in grammar.root.children:
        seen = f"__fish_seen_subcommand_from {' '.join((command.path[0], *command.aliases))}"
        actions = " ".join(_names(command.children))
        for child in command.children:
            before = f"{seen}; and not __fish_seen_subcommand_from {actions}"
            lines.append(f"complete -c multichat -n '{before}' -a {child.path[-1]} -d {shlex.quote(child.help)}")
        for leaf in command.children or (command,):
            when = (
                f"{seen}; and __fish_seen_subcommand_from {' '.join((leaf.path[-1], *leaf.aliases))}"
                if command.children
                else seen
            )
            lines += [_fish_option(option, when) for option in leaf.options]
            for word in leaf.words:
                for kind in word.completed:
                    offered = "-F" if kind == FILES else f"-a '(__multichat_names {kind})'"
                    lines.append(f"complete -c multichat -n '{when}' {offered}")
                if word.choices:
                    lines.append(f"complete -c multichat -n '{when}' -a {shlex.quote(' '.join(word.choices))}")
    return "\n".join(lines) + "\n"


def _fish_option(option: Option, when: str) -> str:
    parts = ["complete -c multichat"]
    if when:
        parts.append(f"-n '{when}'")
    for name in option.names:
        parts.append(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}")
    if option.value:
        parts.append("-r")
        if option.choices:
            parts.append(f"-a {shlex.quote(' '.join(option.choices))}")
        elif FILES in option.completed:
            parts.append("-F")
        elif option.completed:
            parts.append(f"-a {shlex.quote(' '.join(f'(__multichat_names {kind})' for kind in option.completed))}")
    parts.append(f"-d {shlex.quote(option.help)}")
    return " ".join(parts)
