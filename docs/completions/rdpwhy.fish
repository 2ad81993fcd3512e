# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_rdpwhy_global_optspecs
    string join \n session= host= user= from= to= around= failed port= separate all-sessions keylog= rsa-key= q/quiet saw= redact= redact-key= tz= format= timeline v/verbose hyperlinks color= exit-code h/help V/version
end

function __fish_rdpwhy_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_rdpwhy_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_rdpwhy_using_subcommand
    set -l cmd (__fish_rdpwhy_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -l session -d 'Only this session, in full (may be given several times)' -r
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -l host -d 'Only sessions with this address, network or host name at either end' -r
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -l user -d 'Only sessions whose request names this user (the mstshash cookie)' -r
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -l from -d 'Only sessions that were not over before TIME: 2026-11-20T09:00:00Z, "2026-11-20 09:00" or 09:00' -r
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -l to -d 'Only sessions that began by TIME' -r
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -l around -d 'Only sessions within two minutes of TIME' -r
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -l port -d 'Look for RDP on this server port too (RDP is recognized on any port once it speaks)' -r
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -l keylog -d 'TLS secrets that open the connections they are of (a key log as of SSLKEYLOGFILE; may be given several times); those in a pcapng\'s own secrets blocks are used anyway' -r -F
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -l rsa-key -d 'Private RSA key of a server with Standard RDP Security, which opens its sessions (PEM, or xrdp\'s rsakeys.ini; may be given several times)' -r -F
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -l saw -d 'The error that the user saw, as mstsc shows it: which sessions fit it, which don\'t, and why' -r
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -l redact -d 'Put substitutes in place of what names people, hosts and networks: all of it, or only some of addresses, hosts, users, certificates, ids, files' -r
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -l redact-key -d 'Make the same substitutes whenever this key is given; without it they are new each time' -r
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -l tz -d 'Time zone for times shown and typed: UTC, local or an offset (JSON is always in UTC)' -r
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -l format -d 'How to show them' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
ecs\t'The same for Elasticsearch: Elastic Common Schema'
zeek\t'The same with Zeek\'s names of fields'
markdown\t'For tickets'"
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -l color -d 'Colours' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t''
never\t''"
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -l failed -d 'Only sessions that failed'
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -l separate -d 'Take several files one by one instead of as one in time order'
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -l all-sessions -d 'List every session, also beyond 1,000 early failures of one kind at one server'
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -s q -l quiet -d 'Nothing on stderr but what went wrong, and, of analyze, only the list of sessions without their stories'
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -l timeline -d 'Every message of the sessions shown'
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -s v -l verbose -d 'Every session\'s story in full, also of those that went well'
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -l hyperlinks -d 'Addresses as links, on a terminal that knows them (OSC 8)'
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -l exit-code -d 'End with exit status 1 if an attempt among those shown failed'
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -s V -l version -d 'Print version'
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -a "analyze" -d 'Say of every RDP session in the captures how far it got, where it broke and why (the same as without a command)'
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -a "report" -d 'Make a report to attach to a ticket: a page of HTML, Markdown, plain text, JSON, or the packets with comments'
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -a "explain" -d 'Say what an error, a code or a diagnosis means, and what on the wire leads there; needs no capture'
complete -c rdpwhy -n "__fish_rdpwhy_needs_command" -a "live" -d 'Say the same of live traffic, session by session as they end'
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand analyze" -l session -d 'Only this session, in full (may be given several times)' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand analyze" -l host -d 'Only sessions with this address, network or host name at either end' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand analyze" -l user -d 'Only sessions whose request names this user (the mstshash cookie)' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand analyze" -l from -d 'Only sessions that were not over before TIME: 2026-11-20T09:00:00Z, "2026-11-20 09:00" or 09:00' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand analyze" -l to -d 'Only sessions that began by TIME' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand analyze" -l around -d 'Only sessions within two minutes of TIME' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand analyze" -l port -d 'Look for RDP on this server port too (RDP is recognized on any port once it speaks)' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand analyze" -l keylog -d 'TLS secrets that open the connections they are of (a key log as of SSLKEYLOGFILE; may be given several times); those in a pcapng\'s own secrets blocks are used anyway' -r -F
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand analyze" -l rsa-key -d 'Private RSA key of a server with Standard RDP Security, which opens its sessions (PEM, or xrdp\'s rsakeys.ini; may be given several times)' -r -F
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand analyze" -l saw -d 'The error that the user saw, as mstsc shows it: which sessions fit it, which don\'t, and why' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand analyze" -l redact -d 'Put substitutes in place of what names people, hosts and networks: all of it, or only some of addresses, hosts, users, certificates, ids, files' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand analyze" -l redact-key -d 'Make the same substitutes whenever this key is given; without it they are new each time' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand analyze" -l tz -d 'Time zone for times shown and typed: UTC, local or an offset (JSON is always in UTC)' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand analyze" -l format -d 'How to show them' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
ecs\t'The same for Elasticsearch: Elastic Common Schema'
zeek\t'The same with Zeek\'s names of fields'
markdown\t'For tickets'"
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand analyze" -l color -d 'Colours' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t''
never\t''"
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand analyze" -l failed -d 'Only sessions that failed'
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand analyze" -l separate -d 'Take several files one by one instead of as one in time order'
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand analyze" -l all-sessions -d 'List every session, also beyond 1,000 early failures of one kind at one server'
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand analyze" -s q -l quiet -d 'Nothing on stderr but what went wrong, and, of analyze, only the list of sessions without their stories'
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand analyze" -l timeline -d 'Every message of the sessions shown'
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand analyze" -s v -l verbose -d 'Every session\'s story in full, also of those that went well'
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand analyze" -l hyperlinks -d 'Addresses as links, on a terminal that knows them (OSC 8)'
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand analyze" -l exit-code -d 'End with exit status 1 if an attempt among those shown failed'
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand analyze" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand report" -l session -d 'Only this session, in full (may be given several times)' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand report" -l host -d 'Only sessions with this address, network or host name at either end' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand report" -l user -d 'Only sessions whose request names this user (the mstshash cookie)' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand report" -l from -d 'Only sessions that were not over before TIME: 2026-11-20T09:00:00Z, "2026-11-20 09:00" or 09:00' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand report" -l to -d 'Only sessions that began by TIME' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand report" -l around -d 'Only sessions within two minutes of TIME' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand report" -l port -d 'Look for RDP on this server port too (RDP is recognized on any port once it speaks)' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand report" -l keylog -d 'TLS secrets that open the connections they are of (a key log as of SSLKEYLOGFILE; may be given several times); those in a pcapng\'s own secrets blocks are used anyway' -r -F
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand report" -l rsa-key -d 'Private RSA key of a server with Standard RDP Security, which opens its sessions (PEM, or xrdp\'s rsakeys.ini; may be given several times)' -r -F
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand report" -l saw -d 'The error that the user saw, as mstsc shows it: which sessions fit it, which don\'t, and why' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand report" -l redact -d 'Put substitutes in place of what names people, hosts and networks: all of it, or only some of addresses, hosts, users, certificates, ids, files' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand report" -l redact-key -d 'Make the same substitutes whenever this key is given; without it they are new each time' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand report" -l tz -d 'Time zone for times shown and typed: UTC, local or an offset (JSON is always in UTC)' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand report" -s o -l output -d 'Where to; the name\'s ending tells the format: .html, .md, .txt, .json or .pcapng. "-" is standard output' -r -F
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand report" -l format -d 'The format, where the name does not tell it' -r -f -a "html\t'A page that carries everything in it'
markdown\t'For GitHub, GitLab and what else takes Markdown'
text\t'For mail'
json\t'For scripts'
pcapng\t'The sessions\' own packets with comments, for Wireshark'"
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand report" -l failed -d 'Only sessions that failed'
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand report" -l separate -d 'Take several files one by one instead of as one in time order'
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand report" -l all-sessions -d 'List every session, also beyond 1,000 early failures of one kind at one server'
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand report" -s q -l quiet -d 'Nothing on stderr but what went wrong, and, of analyze, only the list of sessions without their stories'
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand report" -l force -d 'Replace a file that is there'
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand report" -l all-frames -d 'In a pcapng, every frame of the captures, not only those of the sessions'
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand report" -l with-secrets -d 'In a pcapng, also the decryption secrets that the captures carry'
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand report" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand explain" -l format -d 'How to show it' -r -f -a "text\t'For people'
markdown\t'For tickets'
json\t'One JSON document'"
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand explain" -l color -d 'Colours' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t''
never\t''"
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand live" -s i -l interface -d 'Capture here (may be given several times; "any" is every interface); without it, at the interface of the default route' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand live" -l port -d 'Look for RDP on this server port too, beside 3389, 3390, 3391 and 2179' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand live" -l filter -d 'Capture what this pcap-filter(7) takes; by default RDP\'s usual ports, ICMP errors and fragments, also in VLAN tags' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand live" -l snaplen -d 'Keep this many bytes of a packet' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand live" -l buffer -d 'Size of the kernel\'s buffer for each interface, in MiB' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand live" -l memory -d 'Use no more memory than this, in MiB, the kernel\'s buffers included; where more is needed, what tells least is not followed to its end, which is counted and told' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand live" -l user -d 'Started by root, become this user once the interfaces are open, and keep no right but to capture; by default nobody, or whose folder --output or --save-failed is in' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand live" -l keylog -d 'TLS secrets that open the connections they are of: a key log, read on as it is written (may be given several times)' -r -F
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand live" -l rsa-key -d 'Private RSA key of a server with Standard RDP Security, which opens its sessions (PEM, or xrdp\'s rsakeys.ini; may be given several times)' -r -F
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand live" -l format -d 'How to show sessions' -r -f -a "table\t'On a terminal a live table, elsewhere one line a session'
text\t'One line a session, for people'
ndjson\t'One JSON object a line'
ecs\t'The same for Elasticsearch: Elastic Common Schema'
zeek\t'The same with Zeek\'s names of fields'"
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand live" -l output -d 'Write to this file instead of standard output, after what it holds; SIGHUP opens it anew' -r -F
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand live" -l metrics -d 'Serve metrics for Prometheus at this address and port, or at this port of the loopback: /metrics, and /healthz for whether the capture goes on' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand live" -l save-failed -d 'Keep the packets of each attempt that failed here, as pcapng with comments, and its report as JSON and Markdown' -r -F
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand live" -l save -d 'Which attempts are kept' -r -f -a "failed\t'Those that failed'
all\t'Every one'"
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand live" -l save-size -d 'Keep at most this many MiB there; the oldest goes first' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand live" -l save-files -d 'Keep at most this many files there, three for each attempt; the oldest goes first' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand live" -l tz -d 'Time zone for times shown: UTC, local or an offset (forms for programs are always in UTC)' -r
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand live" -l list -d 'List the interfaces and end'
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand live" -l all-ports -d 'Look for RDP on every port'
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand live" -l promiscuous -d 'Take packets for other machines too, where a mirror port brings them'
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand live" -l immediate -d 'Take each packet at once instead of up to 50 ms later, which costs more'
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand live" -l events -d 'Tell each phase that a session enters, as it happens'
complete -c rdpwhy -n "__fish_rdpwhy_using_subcommand live" -s h -l help -d 'Print help (see more with \'--help\')'
