package main

// completionScripts are what shells load. They leave everything to the program but files, which the shell knows best.
var completionScripts = map[string]string{
	"bash": `# completion of burgeectl for bash: source <(burgeectl completion bash)
_burgeectl() {
  local line mode=
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ -z $mode ]]; then
      mode=$line
    else
      COMPREPLY+=("${line%%$'\t'*}")
    fi
  done < <("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [[ $mode == files ]]; then
    compopt -o filenames 2>/dev/null
    while IFS= read -r line; do
      COMPREPLY+=("$line")
    done < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
  fi
}
complete -F _burgeectl burgeectl
`,
	"zsh": `#compdef burgeectl
# completion of burgeectl for zsh: burgeectl completion zsh > "${fpath[1]}/_burgeectl", or source <(burgeectl completion zsh) after compinit
_burgeectl() {
  local -a answer found
  local line
  answer=("${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ ${answer[1]} == files ]]; then
    _files
    return
  fi
  for line in "${(@)answer[2,-1]}"; do
    found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  (( $#found )) && _describe burgeectl found
}
if [[ ${funcstack[1]} == _burgeectl ]]; then
  _burgeectl "$@"
else
  compdef _burgeectl burgeectl
fi
`,
	"fish": `# completion of burgeectl for fish: burgeectl completion fish > ~/.config/fish/completions/burgeectl.fish
function __burgeectl_complete
    set -l typed (commandline -opc) (commandline -ct)
    set -l answer ($typed[1] __complete $typed[2..-1] 2>/dev/null)
    if test "$answer[1]" = files
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $answer[2..-1]
    end
end
complete -c burgeectl -f -a '(__burgeectl_complete)'
`,
}
