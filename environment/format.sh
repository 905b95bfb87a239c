#!/usr/bin/env bash
# Formats all sources: C# and MSBuild by CSharpier (.config/dotnet-tools.json), C++ and CUDA by clang-format.
#   format.sh           formats
#   format.sh --check   changes nothing, and also looks for lines of more than 120 columns; each fault is a line
#                       "file:line: ...", the last line is "N passed, N failed, N skipped"
set -euo pipefail

home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$home"
source environment/env.sh
columns=120
passed=0 failed=0 skipped=0
git rev-parse --is-inside-work-tree >/dev/null 2>&1 || {
  echo "Skipped: csharpier, clang-format and widths: git does not list the sources here."
  echo "0 passed, 0 failed, 3 skipped"
  exit
}
mapfile -t native < <(git ls-files -- '*.cpp' '*.h' '*.cu' '*.cuh')

# What may be wider: data that programs made, and texts that their format cannot break.
is_exempt() {
  case $1 in
    tests/fixtures/*.json | tests/fixtures/*.svg | tests/fixtures/*.md) ;;  # what programs made once
    lib/ScalingLaws/paper/*.json) ;;                  # the paper's numbers and where they are from
    environment/vscode/package.json) ;;               # sentences that VS Code shows: JSON has no way to break a string
    *) return 1 ;;
  esac
}

# told NAME FAULTS: counts one check by the faults that it found.
told() {
  if [[ -z $2 ]]; then
    passed=$((passed + 1))
  else
    echo "$2"
    echo "Failed: $1."
    failed=$((failed + 1))
  fi
}

left_out() {
  echo "Skipped: $*"
  skipped=$((skipped + 1))
}

has_csharpier() {
  dotnet=$(patchkit_dotnet) || return
  "$dotnet" tool restore >/dev/null 2>&1 || true
  "$dotnet" csharpier --version >/dev/null 2>&1
}

# "Error ./FILE - Was not formatted.", then where: "Expected: Around Line N".
csharpier_faults() {
  local output
  if output=$("$dotnet" csharpier check . 2>&1); then return; fi
  sed -nE '
    s/^Error (\.\/)?(.*) - Was not formatted\.$/\2/; T where; h; d
    : where
    s/^ *-+ Expected: Around Line ([0-9]+) -+$/\1/; T others
    G; s/^([0-9]+)\n(.*)$/\2:\1: CSharpier formats it otherwise/p; d
    : others
    s/^Error (\.\/)?(.*) - (.*)$/\2:1: \3/p' <<<"$output" | grep . || echo "$output"
}

# Each version formats a little otherwise: Debian 12's is the one that counts.
has_clang_format() {
  clang_format=$(command -v clang-format-14 || command -v clang-format) &&
    [[ $("$clang_format" --version) == *'version 14.'* ]]
}

clang_format_faults() {
  local output
  if output=$("$clang_format" --dry-run --Werror "${native[@]}" 2>&1); then return; fi
  grep -E ': (error|warning):' <<<"$output" || echo "$output"
}

# Of markdown, rows of tables and what has no space to break at may be wider.
wide_lines() {
  local files=() file at text unbreakable="^ *\\||^[^ ]{$columns}"
  while read -r file; do
    if [[ -f $file ]] && ! is_exempt "$file"; then files+=("$file"); fi
  done < <(git ls-files --cached --others --exclude-standard -- lib environment tests)
  { LC_ALL=C.UTF-8 grep -HnIE ".{$((columns + 1))}" -- "${files[@]}" || true; } | while IFS=: read -r file at text; do
    if [[ $file == *.md && $text =~ $unbreakable ]]; then continue; fi
    echo "$file:$at: more than $columns columns"
  done
}

no_csharpier="CSharpier cannot be restored from .config/dotnet-tools.json."
no_clang_format="clang-format 14 is missing: apt-get install clang-format-14."
if [[ ${1:-} != --check ]]; then
  if has_csharpier; then "$dotnet" csharpier format .; else echo "$no_csharpier"; fi
  if has_clang_format; then "$clang_format" -i "${native[@]}"; else echo "$no_clang_format"; fi
  exit
fi

if has_csharpier; then told csharpier "$(csharpier_faults)"; else left_out "$no_csharpier"; fi
if has_clang_format; then told clang-format "$(clang_format_faults)"; else left_out "$no_clang_format"; fi
told widths "$(wide_lines)"
echo "$passed passed, $failed failed, $skipped skipped"
exit $((failed > 0))
