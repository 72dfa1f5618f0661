#!/usr/bin/env bash
# Speed and memory of portproof beside its peers, in one run, as Markdown. See usage below.
#
# A busy machine changes wall times by half within minutes, so commands run in turn, round by round, and only what was measured in
# the same run is compared: by the minimum of the rounds, with the median of the paired ratios beside it (where the two differ, the
# run was disturbed). Starting a command under GNU time and timeout takes some milliseconds, which all rows include.
set -euo pipefail
export LC_ALL=C
export PATH=$PATH:/usr/sbin # softflowd and argus, for whom is not root

usage() {
    cat << END
usage: benches/peers.sh [OPTION...] [CAPTURE...]

CAPTURE: mix, small, flood, many (these four unless told), or mix.pcapng. Those that are missing are generated.

  --rounds N         how often each command runs [$rounds]; one of over $SLOW s twice, one that did not finish once
  --size SIZE        of each capture, as 64MiB, for a first trial [mix and small 1GiB, flood 20 million packets, many 2000 x 512KiB]
  --folder FOLDER    where the captures are kept [$folder]
  --peers 'NAME...'  which commands beside portproof [${PEERS[*]}]
  --limit SECONDS    after which a command is ended [$limit]
  --memory GIB       of address space, beyond which a command gets none [$memory]
  --portproof FILE   the program to measure [built from this tree]

The tables go to standard output, what is going on to standard error, and each single run to FOLDER/runs.tsv.
Exit status 1: portproof failed, packet counts or hashes differ, or the number of jobs changes the report. A missed goal is no failure.
END
}

# In the order in which they run: each of the three sets behind the one of ours that does the like.
readonly COMMANDS=(cat walk portproof portproof-1 tcpdump capinfos-count softflowd nfpcapd argus tshark portproof-json capinfos openssl)
readonly PEERS=(cat tcpdump capinfos-count softflowd nfpcapd argus tshark capinfos openssl)
readonly FILES_OF_MANY=2000
readonly SLOW=10 # seconds

rounds=5 size='' folder=target/bench-captures peers=${PEERS[*]} limit=150 memory=8 portproof=''

# The goals: capture, what is compared, ours, the peer, the bound. `faster` and `slower` are ratios of wall time, `cpu` of CPU time
# (ours to the peer's), `resident` is in MB. Where they come from: measured prototypes of a reader at the machine's limit.
readonly GOALS='
mix    faster    portproof       tcpdump         >= 1.3
mix    faster    portproof       capinfos-count  >= 1.3
mix    faster    portproof-json  capinfos        >= 4
mix    faster    portproof-json  openssl         >= 1.0
mix    faster    portproof       softflowd       >= 4
mix    faster    portproof       tshark          >= 25
mix    cpu       portproof-1     tcpdump         <= 1.2
mix    faster    portproof-1     walk            >= 0.55
mix    faster    portproof       walk            >= 0.90
mix    resident  portproof       -               <= 32
mix    resident  portproof-json  -               <= 32
small  faster    portproof       tcpdump         >= 1.0
small  faster    portproof       capinfos-count  >= 1.5
small  faster    portproof-json  capinfos        >= 4
small  faster    portproof-json  openssl         >= 0.85
small  faster    portproof       softflowd       >= 15
small  faster    portproof       tshark          >= 80
small  cpu       portproof-1     tcpdump         <= 1.6
small  faster    portproof-1     walk            >= 0.22
small  faster    portproof       walk            >= 0.35
small  resident  portproof       -               <= 96
small  resident  portproof-json  -               <= 96
flood  slower    portproof       tcpdump         <= 4
flood  resident  portproof       -               <= 256
many   faster    portproof       capinfos-count  >= 1.5
'

main() {
    arguments "$@"
    build
    mkdir -p "$folder"
    scratch=$(mktemp -d "$folder/.peers.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    printf 'capture\tcommand\tround\twall_s\tcpu_s\tresident_mb\tend\n' > "$folder/runs.tsv"
    : > "$scratch/goals"
    find_peers
    describe_run
    for capture in "${captures[@]}"; do
        generate
        warm
        measure_all
        check_all
        print_table
        judge_goals >> "$scratch/goals"
    done
    print_goals
    [[ ! -e $scratch/wrong ]] || exit 1
}

arguments() {
    captures=()
    while (($#)); do
        case $1 in
            -h | --help) usage && exit ;;
            --rounds | --size | --folder | --peers | --limit | --memory | --portproof)
                (($# > 1)) || mistake "$1 wants a value"
                printf -v "${1#--}" %s "$2"
                # build() goes to the root of the tree.
                case $1 in --folder | --portproof) printf -v "${1#--}" %s "$(realpath -m "$2")" ;; esac
                shift
                ;;
            mix | small | flood | many | mix.pcapng) captures+=("$1") ;;
            *) mistake "no such option or capture: $1" ;;
        esac
        shift
    done
    ((${#captures[@]})) || captures=(mix small flood many)
    [[ $rounds =~ ^[1-9][0-9]*$ ]] || mistake "--rounds wants a number, not $rounds"
    [[ -z $size || $size =~ ^[0-9]+(KiB|MiB|GiB)$ ]] || mistake "--size wants a size as 64MiB, not $size"
    [[ $limit =~ ^[1-9][0-9]*$ && $memory =~ ^[1-9][0-9]*$ ]] || mistake '--limit and --memory want a number'
    local peer
    for peer in $peers; do [[ " ${PEERS[*]} " == *" $peer "* ]] || mistake "no such peer: $peer"; done
}

mistake() {
    echo "peers.sh: $1 (--help shows what there is)" >&2
    exit 2
}

note() { echo "peers.sh: $*" >&2; }

# What makes the comparison worthless, and the exit status 1.
wrong() {
    note "WRONG: $capture: $*"
    touch "$scratch/wrong"
}

build() {
    cd "$(dirname "${BASH_SOURCE[0]}")/.."
    local programs=(--example gencap --example walk)
    [[ -n $portproof ]] || programs+=(--bin portproof)
    cargo build --release --locked --quiet --target-dir target "${programs[@]}" >&2
    portproof=${portproof:-target/release/portproof}
}

# ---- peers

# The program of a command, and the Debian package that has it.
program_of() {
    case $1 in
        capinfos*) echo capinfos wireshark-common ;;
        nfpcapd) echo nfpcapd nfdump ;;
        argus) echo argus argus-server ;;
        *) echo "$1" "$1" ;;
    esac
}

# Fills `commands` with those that can run, and names the rest.
find_peers() {
    local command program package missing=() packages=()
    commands=()
    [[ -x /usr/bin/time ]] || mistake 'GNU time is missing, which measures the memory: sudo apt-get install time'
    for command in "${COMMANDS[@]}"; do
        read -r program package < <(program_of "$command")
        if [[ $command == portproof* || $command == walk ]]; then
            commands+=("$command")
        elif [[ " $peers " != *" $command "* ]]; then
            continue
        elif type -P "$program" > /dev/null; then
            commands+=("$command")
        else
            missing+=("$program")
            packages+=("$package")
        fi
    done
    absent=''
    ((${#missing[@]})) || return 0
    absent="Not installed, so left out: ${missing[*]} (sudo apt-get install ${packages[*]})"
    note "$absent"
}

# The words of a command, for the capture at `path` with its `files`; fails where the program takes only one file at a time.
words_of() {
    case $1 in
        cat) words=(cat "${files[@]}") ;;
        walk) words=(target/release/examples/walk "${files[@]}") ;;
        portproof) words=("$portproof" check --no-hash "$path") ;;
        portproof-1) words=("$portproof" check --no-hash --jobs 1 "$path") ;;
        portproof-json) words=("$portproof" check --format json "$path") ;;
        capinfos-count) words=(capinfos -c -u "${files[@]}") ;;
        capinfos) words=(capinfos "${files[@]}") ;;
        openssl) words=(openssl dgst -sha256 "${files[@]}") ;;
        tcpdump)
            words=(tcpdump -r "$path")
            if [[ -d $path ]]; then
                printf '%s\n' "${files[@]}" > "$scratch/files"
                words=(tcpdump -V "$scratch/files")
            fi
            words+=(-w /dev/null 'esp or udp port 500')
            ;;
        softflowd) words=(softflowd -d -m 2000000 -r "$path") ;;
        nfpcapd) words=(nfpcapd -r "$path" -l "$scratch/flows") ;;
        argus) words=(argus -r "$path" -w /dev/null) ;;
        tshark) words=(tshark -n -q -z 'conv,ip' -r "$path") ;;
    esac
    case $1 in softflowd | nfpcapd | argus | tshark) [[ -f $path ]] ;; esac
}

# How the tables name it.
title_of() {
    case $1 in
        cat) echo "\`cat\`" ;;
        walk) echo "the header walk (\`examples/walk.rs\`)" ;;
        portproof) echo "**\`portproof check --no-hash\`**" ;;
        portproof-1) echo "**\`portproof check --no-hash --jobs 1\`**" ;;
        portproof-json) echo "**\`portproof check --format json\`**" ;;
        capinfos-count) echo "\`capinfos -c -u\`" ;;
        capinfos) echo "\`capinfos\`, with its hashes" ;;
        openssl) echo "\`openssl dgst -sha256\`" ;;
        tcpdump) echo "\`tcpdump 'esp or udp port 500' -w /dev/null\`" ;;
        softflowd) echo "\`softflowd\`" ;;
        nfpcapd) echo "\`nfpcapd\`" ;;
        argus) echo "\`argus\` (sleeps: never under 1 s)" ;;
        tshark) echo "\`tshark -n -q -z conv,ip\`" ;;
    esac
}

version_of() {
    case $1 in
        softflowd | argus) "$1" -h ;;
        nfpcapd) nfpcapd -V ;;
        openssl) openssl version ;;
        *) "$1" --version ;;
    esac 2>&1 | sed -nE 's/^[^0-9]*([0-9]+(\.[0-9]+)+).*/\1/p' | sed -n 1p || true
}

describe_run() {
    local command program versions=()
    for command in "${commands[@]}"; do
        read -r program _ < <(program_of "$command")
        case $command in cat | walk | portproof* | capinfos-count) continue ;; esac
        versions+=("$program $(version_of "$program")")
    done
    local system model kib commit others
    system=$(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release)
    model=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -1)
    kib=$(sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo)
    commit=$(git describe --always --dirty 2> /dev/null || echo 'no commit')
    printf -v others ', %s' "${versions[@]}"
    echo "$(date -u +%F), $(nproc) cores of ${model:-$(uname -m)}, $((kib >> 20)) GiB, $system, load $(cut -d' ' -f1 /proc/loadavg) before;" \
        "$("$portproof" --version) ($commit)$others. Page cache warm, output to /dev/null, $rounds rounds in turn."
    [[ -z $absent ]] || echo "$absent."
}

# ---- captures

# Sets `path` and `files` of `capture`, and generates it where it is not there.
generate() {
    local shape=${capture%.pcapng} ending=.pcap each=$size
    local name=$shape${size:+-$size}
    [[ $capture != *.pcapng ]] || ending=.pcapng
    case $shape in
        # 20 million packets of 77 bytes in the file, record headers included.
        flood) each=${each:-1540000024} ;;
        many)
            ending=''
            [[ -z $size ]] || each=$(($(bytes_of "$size") / FILES_OF_MANY))
            each=${each:-512KiB}
            ;;
        *) each=${each:-1GiB} ;;
    esac
    path=$folder/$name$ending
    if [[ ! -e $path ]]; then
        note "generating $path"
        target/release/examples/gencap "$shape" "$each" "$scratch/new$ending" 2> /dev/null
        mv "$scratch/new$ending" "$path"
    fi
    files=("$path")
    [[ ! -d $path ]] || files=("$path"/*)
}

bytes_of() {
    case $1 in
        *KiB) echo $((${1%KiB} << 10)) ;;
        *MiB) echo $((${1%MiB} << 20)) ;;
        *GiB) echo $((${1%GiB} << 30)) ;;
    esac
}

warm() { cat "${files[@]}" > /dev/null; }

# ---- measuring

measure_all() {
    local round command
    declare -A runs_left
    : > "$scratch/runs"
    for command in "${commands[@]}"; do runs_left[$command]=$rounds; done
    for ((round = 1; round <= rounds; round++)); do
        note "$capture: round $round of $rounds"
        for command in "${commands[@]}"; do
            words_of "$command" || continue
            ((runs_left[$command] > 0)) || continue
            measure
            ended_well "$command" "$status" || [[ $command != portproof* ]] || wrong "$command: status $status"
            printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$capture" "$command" "$round" "$wall" "$cpu" "$resident" "$(end_of "$command" "$status")" \
                | tee -a "$folder/runs.tsv" >> "$scratch/runs"
            if ! ended_well "$command" "$status"; then
                runs_left[$command]=0
            elif ((${wall%.*} >= SLOW && runs_left[$command] > 1)); then
                runs_left[$command]=$((round < 2))
            else
                runs_left[$command]=$((runs_left[$command] - 1))
            fi
        done
    done
}

# Runs `words` and sets `wall`, `cpu` (s), `resident` (MB) and `status`. bash measures time to the millisecond, GNU time only to
# the hundredth; it is there for the memory, and small, for a child inherits the high-water mark of its parent.
measure() {
    local TIMEFORMAT='%R %U %S' times user system
    rm -rf "$scratch/flows" && mkdir "$scratch/flows"
    status=0
    times=$({ time limited "${words[@]}" > /dev/null 2>&1 < /dev/null; } 2>&1) || status=$?
    read -r wall user system <<< "$times"
    cpu=$(awk "BEGIN { print $user + $system }")
    resident=$(awk 'END { printf "%.1f", $1 / 1024 }' "$scratch/resident")
}

limited() {
    ulimit -v $((memory << 20))
    /usr/bin/time -q -f %M -o "$scratch/resident" timeout -k 5 "$limit" "$@"
}

# portproof says with 1 that something is blocked.
ended_well() { (($2 == 0)) || [[ $1 == portproof* && $2 == 1 ]]; }

# 124 is timeout's; 137 is its last resort, if the time was over.
end_of() {
    if ended_well "$1" "$2"; then
        echo well
    elif (($2 == 124)) || (($2 == 137 && ${wall%.*} >= limit)); then
        echo late
    else
        echo "status $2"
    fi
}

# ---- checking: a speed says nothing where the packets were not all there

check_all() {
    note "$capture: packet counts, hashes, and reports of 1, 2 and 8 jobs"
    local command
    declare -gA told=()
    packets=$(count_by walk)
    for command in "${commands[@]}"; do
        words_of "$command" || continue
        grep -qP "^$capture\t$command\t.*\twell$" "$scratch/runs" || continue
        told[$command]=$(count_by "$command")
        [[ -z ${told[$command]} || ${told[$command]} == "$packets" ]] \
            || wrong "$command counts ${told[$command]} packets, the file has $packets"
    done
    check_hash
    check_jobs
}

# How many packets it says there are; nothing where it does not say.
count_by() {
    case $1 in
        walk) target/release/examples/walk "${files[@]}" ;;
        capinfos-count) capinfos -M -c "${files[@]}" | awk '/^Number of packets:/ { sum += $NF } END { print sum }' ;;
        softflowd)
            softflowd -d -m 2000000 -r "$path" 2> /dev/null \
                | awk -F '[: ]+' '/^Packets processed:/ { sum += $3 } /^Ignored packets:/ { sum += $3 } END { print sum }'
            ;;
        nfpcapd)
            rm -rf "$scratch/flows" && mkdir "$scratch/flows"
            nfpcapd -r "$path" -l "$scratch/flows" 2>&1 | sed -n 's/^Total: Processed: \([0-9]*\),.*/\1/p'
            ;;
        portproof-json)
            # The report of many unexpected flows is long: only what is wanted of it is kept.
            timeout "$limit" "$portproof" check --format json "$path" | awk -v hash="$scratch/hash" -v evicted="$scratch/evicted" -F '[:,]? *' '
                /^    "packets":/ { print $3 }
                /^    "evicted_flows":/ { print $3 > evicted }
                /^      "sha256":/ && !hashes++ { gsub(/"/, "", $3); print $3 > hash }' || true
            ;;
    esac
}

check_hash() {
    ((${#files[@]} == 1)) && [[ " ${commands[*]} " == *' openssl '* && -e $scratch/hash ]] || return 0
    [[ $(openssl dgst -sha256 -r "$path") == "$(< "$scratch/hash") "* ]] || wrong 'its SHA-256 in the report is not that of openssl'
}

check_jobs() {
    local jobs status sum sums=''
    for jobs in 1 2 8; do
        {
            read -r sum _
            read -r status
        } < <(report_with "$jobs")
        ((status < 2)) || { same_jobs='not known: it did not finish' && return; }
        sums+=$sum$'\n'
    done
    same_jobs=reached
    (($(sort -u <<< "${sums%$'\n'}" | wc -l) == 1)) && return
    same_jobs='**not reached**'
    wrong 'the report depends on --jobs'
}

# The digest of the report, and the exit status.
report_with() {
    set +e
    timeout "$limit" "$portproof" check --format json --no-hash --reproducible --jobs "$1" "$path" | sha256sum
    echo "${PIPESTATUS[0]}"
}

# ---- showing

# For each command of the capture: least wall and CPU time, most memory, end; then how many times ours of the like they are: the
# ratio of the least wall times, the median of the paired ones, the ratio of the least CPU times.
summary() {
    awk -F '\t' '
        function least(values, name, value) { if (!(name in values) || value < values[name]) values[name] = value }
        {
            if (!($2 in end)) order[++count] = $2
            wall[$2, $3] = $4; end[$2] = $7
            if ($3 > last) last = $3
            least(walls, $2, $4 + 0); least(cpus, $2, $5 + 0)
            if ($6 + 0 > most[$2] + 0) most[$2] = $6
        }
        function median_of_pairs(name, ours,    round, n, i, pairs, x) {
            for (round = 1; round <= last; round++)
                if ((name, round) in wall && (ours, round) in wall) {
                    x = wall[name, round] / wall[ours, round]
                    for (i = n++; i > 0 && pairs[i] > x; i--) pairs[i + 1] = pairs[i]
                    pairs[i + 1] = x
                }
            return n % 2 ? pairs[(n + 1) / 2] : (pairs[n / 2] + pairs[n / 2 + 1]) / 2
        }
        END {
            for (i = 1; i <= count; i++) {
                name = order[i]
                ours = name ~ /^(portproof-json|capinfos|openssl)$/ ? "portproof-json" : "portproof"
                printf "%s\t%.3f\t%.3f\t%.0f\t%s\t", name, walls[name], cpus[name], most[name], end[name]
                if (end[ours] == "well")
                    printf "%.4f\t%.4f\t%.4f\n", walls[name] / walls[ours], median_of_pairs(name, ours), cpus[name] / cpus[ours]
                else
                    print "-\t-\t-"
            }
        }' "$scratch/runs"
}

print_table() {
    printf '\n### %s: %s packets, %s MiB\n\n' "$capture" "$packets" "$(($(du --apparent-size -cb "${files[@]}" | tail -1 | cut -f1) >> 20))"
    echo '| command | wall s | times ours | median of pairs | CPU s | times ours | MB | packets told |'
    echo '|---|--:|--:|--:|--:|--:|--:|--:|'
    local command wall cpu resident end ratio pairs cpu_ratio
    while IFS=$'\t' read -r command wall cpu resident end ratio pairs cpu_ratio; do
        [[ $command != portproof-json ]] || echo '| *and the SHA-256 of the file* | | | | | | | |'
        case $end in
            well)
                echo "| $(title_of "$command") | $wall | $(ratio "$ratio") | $(ratio "$pairs") | $cpu | $(ratio "$cpu_ratio") | $resident" \
                    "| ${told[$command]-} |"
                ;;
            late) echo "| $(title_of "$command") | did not finish in $limit s | $([[ $ratio == - ]] || echo "> ")$(ratio "$ratio") | | | | $resident | |" ;;
            *) echo "| $(title_of "$command") | did not finish: $end | | | | | $resident | |" ;;
        esac
    done < <(summary)
}

# As it is shown; - where there is none.
ratio() {
    if [[ $1 == - ]]; then echo -; else awk "BEGIN { printf $1 < 10 ? \"%.2f\" : \"%.0f\", $1 }"; fi
}

# The rows of the goal table for this capture.
judge_goals() {
    local ours goal measure bound peer relation value verdict
    declare -A of=()
    local command wall cpu resident end
    while IFS=$'\t' read -r command wall cpu resident end _; do
        of[$command.wall]=$wall of[$command.cpu]=$cpu of[$command.resident]=$resident of[$command.end]=$end
    done < <(summary)
    while read -r goal measure ours peer relation bound; do
        [[ $goal == "$capture" && ($peer == - || -n ${of[$peer.end]-}) ]] || continue
        case $measure in
            faster) value=${of[$peer.wall]}/${of[$ours.wall]} ;;
            slower) value=${of[$ours.wall]}/${of[$peer.wall]} ;;
            cpu) value=${of[$ours.cpu]}/${of[$peer.cpu]} ;;
            resident) value=${of[$ours.resident]} ;;
        esac
        value=$(awk "BEGIN { printf \"%.3f\", $value }")
        verdict=$(awk "BEGIN { print ($value $relation $bound) ? \"reached\" : \"**not reached**\" }")
        if [[ $measure == resident ]]; then value=${value%.*}; else value=$(ratio "$value"); fi
        # A peer that was ended late took longer than it was given: the ratio is a lower bound.
        case ${of[$ours.end]}/${of[$peer.end]-well}/$measure in
            well/well/*) ;;
            well/late/faster) value="> $value" && [[ $verdict == reached ]] || verdict='not known' ;;
            well/*) value='' verdict='not known' ;;
            */resident) verdict='**not reached**' ;;
            *) value='' verdict='**not reached**' ;;
        esac
        ours=$(title_of "$ours")
        goal_row "${ours//\*/}" "$(measure_of "$measure" "$peer")" "$relation $bound" "$value" "$verdict"
    done <<< "$GOALS"
    [[ $capture != flood ]] || judge_flood
    goal_row '' 'one report, whether 1, 2 or 8 jobs' '' '' "$same_jobs"
}

judge_flood() {
    local evicted verdict
    evicted=$(cat "$scratch/evicted" 2> /dev/null || true)
    if ((${evicted:-0} > 0)); then
        verdict=reached
    elif [[ -z $size && -n $evicted ]]; then
        verdict='**not reached**'
    else
        verdict='not known'
    fi
    goal_row '' 'flows given up, and said so' '> 0' "$evicted" "$verdict"
    goal_row '' 'it ends' '' '' "$([[ ${of[portproof.end]} == well ]] && echo reached || echo '**not reached**')"
}

goal_row() { echo "| $capture | $1 | $2 | $3 | $4 | $5 |"; }

measure_of() {
    case $1 in
        faster) echo "wall of $(title_of "$2") / ours" ;;
        slower) echo "wall, ours / $(title_of "$2")" ;;
        cpu) echo "CPU, ours / $(title_of "$2")" ;;
        resident) echo 'MB' ;;
    esac
}

print_goals() {
    printf '\n### Goals\n\n'
    [[ -z $size ]] || printf 'They are meant for captures of full size: this was a trial.\n\n'
    echo '| capture | portproof | measure | goal | measured | |'
    echo '|---|---|---|--:|--:|---|'
    cat "$scratch/goals"
}

main "$@"
