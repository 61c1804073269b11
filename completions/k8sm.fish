# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_k8sm_global_optspecs
    string join \n v/verbose name= kubeconfig= h/help V/version
end

function __fish_k8sm_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_k8sm_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_k8sm_using_subcommand
    set -l cmd (__fish_k8sm_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c k8sm -n "__fish_k8sm_needs_command" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_needs_command" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_needs_command" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_needs_command" -s h -l help -d 'Print help'
complete -c k8sm -n "__fish_k8sm_needs_command" -s V -l version -d 'Print version'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "up" -d 'Bring up a cluster, or complete one'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "down" -d 'Remove a cluster with all that belongs to it, and restore the kubeconfig'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "status" -d 'Show each component of a cluster: health, addresses, memory (proportional set size)'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "stop" -d 'Stop a cluster, keeping its objects, keys and addresses'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "start" -d 'Start a stopped cluster, and wait until it serves'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "cluster" -d 'Logs, topology and list of clusters'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "addons" -d 'Deploy what runs on the cluster itself'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "clusters" -d 'List the clusters of this Docker engine'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "list" -d 'List the clusters of this Docker engine'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "kubeconfig" -d 'Print a kubeconfig for a cluster, or merge it into yours'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "health-check" -d 'Ask a URL once: exit code 0 when it answers 200, 7 when nobody answers, else 1'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "await-health-check" -d 'Ask a URL until it answers 200'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "await-file" -d 'Wait until a file is there'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "exec" -d 'Run a command in a container of a pod'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "attach" -d 'Attach to the process that a pod\'s container runs'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "port-forward" -d 'Forward ports of this machine to a pod, or to a pod behind a service, until interrupted'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "get" -d 'Show objects'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "describe" -d 'Show everything about objects, with their events'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "create" -d 'Create objects: from manifests, or a namespace, config map, secret or service account by its name'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "apply" -d 'Create or change objects to be as manifests say'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "delete" -d 'Delete objects'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "scale" -d 'Set how many replicas controllers have'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "label" -d 'Set labels of objects, and take them away'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "annotate" -d 'Set annotations of objects, and take them away'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "logs" -d 'Show what containers wrote'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "wait" -d 'Wait until objects are as a condition says'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "completions" -d 'Print a shell\'s completions of this command'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "completion" -d 'Print a shell\'s completions of this command'
complete -c k8sm -n "__fish_k8sm_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c k8sm -n "__fish_k8sm_using_subcommand up" -l slaves -d 'How many Mesos slaves, which are the nodes [default: 2, or as many as there are]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand up" -l file -d 'The compose file of the topology [default: built in]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand up" -l timeout -d 'How long to wait until everything is ready' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand up" -l etcd-image -d 'The image of etcd [default: made from this machine\'s etcd, or the compose file\'s, pulled]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand up" -l publish -d 'Serve a node port on 127.0.0.1; may be given several times' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand up" -l service-cidr -d 'The range of service addresses [default: 10.10.10.0/24]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand up" -l api-port -d 'The API server\'s port on 127.0.0.1 [default: 6443, or the next free one]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand up" -l insecure-port -d 'The API server\'s plain port on 127.0.0.1 [default: 8888, or the next free one]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand up" -l mesos-port -d 'The Mesos master\'s port on 127.0.0.1; 0 publishes none [default: 5050, or the next free one]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand up" -s o -l output -d 'The form of the dry run\'s plan' -r -f -a "text\t'For people'
json\t'For programs'"
complete -c k8sm -n "__fish_k8sm_using_subcommand up" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand up" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand up" -l keep -d 'Keep what was made when it fails'
complete -c k8sm -n "__fish_k8sm_using_subcommand up" -l dry-run -d 'Print what would be done, and do nothing'
complete -c k8sm -n "__fish_k8sm_using_subcommand up" -l recreate -d 'Replace components that another build or another file made'
complete -c k8sm -n "__fish_k8sm_using_subcommand up" -l no-dns -d 'Leave the cluster\'s DNS out'
complete -c k8sm -n "__fish_k8sm_using_subcommand up" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand up" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c k8sm -n "__fish_k8sm_using_subcommand down" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand down" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand down" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand down" -s h -l help -d 'Print help'
complete -c k8sm -n "__fish_k8sm_using_subcommand status" -s o -l output -d 'The form of the output' -r -f -a "text\t'For people'
json\t'For programs'"
complete -c k8sm -n "__fish_k8sm_using_subcommand status" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand status" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand status" -l exit-code -d 'End with 1 where a component is not healthy'
complete -c k8sm -n "__fish_k8sm_using_subcommand status" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c k8sm -n "__fish_k8sm_using_subcommand stop" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand stop" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand stop" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand stop" -s h -l help -d 'Print help'
complete -c k8sm -n "__fish_k8sm_using_subcommand start" -l timeout -d 'How long to wait until everything is ready' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand start" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand start" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand start" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand start" -s h -l help -d 'Print help'
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and not __fish_seen_subcommand_from logs compose list help" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and not __fish_seen_subcommand_from logs compose list help" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and not __fish_seen_subcommand_from logs compose list help" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and not __fish_seen_subcommand_from logs compose list help" -s h -l help -d 'Print help'
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and not __fish_seen_subcommand_from logs compose list help" -f -a "logs" -d 'Print what the components of a cluster logged'
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and not __fish_seen_subcommand_from logs compose list help" -f -a "compose" -d 'Print the compose file that a cluster is made from, with every placeholder resolved'
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and not __fish_seen_subcommand_from logs compose list help" -f -a "list" -d 'List the clusters of this Docker engine'
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and not __fish_seen_subcommand_from logs compose list help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and __fish_seen_subcommand_from logs" -l tail -d 'How many of the last lines of each' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and __fish_seen_subcommand_from logs" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and __fish_seen_subcommand_from logs" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and __fish_seen_subcommand_from logs" -s f -l follow -d 'Go on with what they log from now on'
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and __fish_seen_subcommand_from logs" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and __fish_seen_subcommand_from logs" -s h -l help -d 'Print help'
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and __fish_seen_subcommand_from compose" -l file -d 'The compose file of the topology [default: built in]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and __fish_seen_subcommand_from compose" -l slaves -d 'How many Mesos slaves [default: 2, or as many as there are]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and __fish_seen_subcommand_from compose" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and __fish_seen_subcommand_from compose" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and __fish_seen_subcommand_from compose" -l template -d 'Print the built-in file with its placeholders instead, which `k8sm up --file` takes'
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and __fish_seen_subcommand_from compose" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and __fish_seen_subcommand_from compose" -s h -l help -d 'Print help'
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and __fish_seen_subcommand_from list" -s o -l output -d 'The form of the output' -r -f -a "text\t'For people'
json\t'For programs'"
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and __fish_seen_subcommand_from list" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and __fish_seen_subcommand_from list" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and __fish_seen_subcommand_from help" -f -a "logs" -d 'Print what the components of a cluster logged'
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and __fish_seen_subcommand_from help" -f -a "compose" -d 'Print the compose file that a cluster is made from, with every placeholder resolved'
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the clusters of this Docker engine'
complete -c k8sm -n "__fish_k8sm_using_subcommand cluster; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c k8sm -n "__fish_k8sm_using_subcommand addons; and not __fish_seen_subcommand_from dns help" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand addons; and not __fish_seen_subcommand_from dns help" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand addons; and not __fish_seen_subcommand_from dns help" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand addons; and not __fish_seen_subcommand_from dns help" -s h -l help -d 'Print help'
complete -c k8sm -n "__fish_k8sm_using_subcommand addons; and not __fish_seen_subcommand_from dns help" -f -a "dns" -d 'Deploy the cluster\'s DNS, and wait until its pods are ready'
complete -c k8sm -n "__fish_k8sm_using_subcommand addons; and not __fish_seen_subcommand_from dns help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c k8sm -n "__fish_k8sm_using_subcommand addons; and __fish_seen_subcommand_from dns" -l replicas -d 'How many pods answer' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand addons; and __fish_seen_subcommand_from dns" -l domain -d 'The domain of services and pods' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand addons; and __fish_seen_subcommand_from dns" -l server-ip -d 'The address of the DNS service [default: the tenth of the service range]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand addons; and __fish_seen_subcommand_from dns" -l flavor -d 'How many containers a pod of it has' -r -f -a "lean\t'One container, which follows the API server'
full\t'etcd, kube2sky and skydns, as the documents have it'"
complete -c k8sm -n "__fish_k8sm_using_subcommand addons; and __fish_seen_subcommand_from dns" -l timeout -d 'How long to wait until it is ready' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand addons; and __fish_seen_subcommand_from dns" -s n -l namespace -d 'The namespace [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand addons; and __fish_seen_subcommand_from dns" -l context -d 'The context of the kubeconfig [default: the current one, or that of --name]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand addons; and __fish_seen_subcommand_from dns" -s s -l server -d 'The API server\'s URL [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand addons; and __fish_seen_subcommand_from dns" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand addons; and __fish_seen_subcommand_from dns" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand addons; and __fish_seen_subcommand_from dns" -l render -d 'Print the manifests, and deploy nothing'
complete -c k8sm -n "__fish_k8sm_using_subcommand addons; and __fish_seen_subcommand_from dns" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand addons; and __fish_seen_subcommand_from dns" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c k8sm -n "__fish_k8sm_using_subcommand addons; and __fish_seen_subcommand_from help" -f -a "dns" -d 'Deploy the cluster\'s DNS, and wait until its pods are ready'
complete -c k8sm -n "__fish_k8sm_using_subcommand addons; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c k8sm -n "__fish_k8sm_using_subcommand clusters" -s o -l output -d 'The form of the output' -r -f -a "text\t'For people'
json\t'For programs'"
complete -c k8sm -n "__fish_k8sm_using_subcommand clusters" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand clusters" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand clusters" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand clusters" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c k8sm -n "__fish_k8sm_using_subcommand list" -s o -l output -d 'The form of the output' -r -f -a "text\t'For people'
json\t'For programs'"
complete -c k8sm -n "__fish_k8sm_using_subcommand list" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand list" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand list" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c k8sm -n "__fish_k8sm_using_subcommand kubeconfig" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand kubeconfig" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand kubeconfig" -l merge -d 'Merge it into the kubeconfig instead of printing it'
complete -c k8sm -n "__fish_k8sm_using_subcommand kubeconfig" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand kubeconfig" -s h -l help -d 'Print help'
complete -c k8sm -n "__fish_k8sm_using_subcommand health-check" -l ca-file -d 'The certificate authority of an https URL' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand health-check" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand health-check" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand health-check" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand health-check" -s h -l help -d 'Print help'
complete -c k8sm -n "__fish_k8sm_using_subcommand await-health-check" -s t -l timeout -d 'How long to wait' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand await-health-check" -l ca-file -d 'The certificate authority of an https URL' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand await-health-check" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand await-health-check" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand await-health-check" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand await-health-check" -s h -l help -d 'Print help'
complete -c k8sm -n "__fish_k8sm_using_subcommand await-file" -s t -l timeout -d 'How long to wait' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand await-file" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand await-file" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand await-file" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand await-file" -s h -l help -d 'Print help'
complete -c k8sm -n "__fish_k8sm_using_subcommand exec" -s n -l namespace -d 'The namespace [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand exec" -l context -d 'The context of the kubeconfig [default: the current one, or that of --name]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand exec" -s s -l server -d 'The API server\'s URL [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand exec" -s c -l container -d 'The container [default: the first]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand exec" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand exec" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand exec" -s i -l stdin -d 'Pass stdin on to the command'
complete -c k8sm -n "__fish_k8sm_using_subcommand exec" -s t -l tty -d 'Give it a terminal'
complete -c k8sm -n "__fish_k8sm_using_subcommand exec" -s q -l quiet -d 'Say nothing but what the command says'
complete -c k8sm -n "__fish_k8sm_using_subcommand exec" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand exec" -s h -l help -d 'Print help'
complete -c k8sm -n "__fish_k8sm_using_subcommand attach" -s n -l namespace -d 'The namespace [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand attach" -l context -d 'The context of the kubeconfig [default: the current one, or that of --name]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand attach" -s s -l server -d 'The API server\'s URL [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand attach" -s c -l container -d 'The container [default: the first]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand attach" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand attach" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand attach" -s i -l stdin -d 'Pass stdin on to the process'
complete -c k8sm -n "__fish_k8sm_using_subcommand attach" -s t -l tty -d 'Hand the terminal over, where the container has one'
complete -c k8sm -n "__fish_k8sm_using_subcommand attach" -s q -l quiet -d 'Say nothing but what the process says'
complete -c k8sm -n "__fish_k8sm_using_subcommand attach" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand attach" -s h -l help -d 'Print help'
complete -c k8sm -n "__fish_k8sm_using_subcommand port-forward" -l address -d 'Where this machine listens: addresses, or localhost' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand port-forward" -s n -l namespace -d 'The namespace [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand port-forward" -l context -d 'The context of the kubeconfig [default: the current one, or that of --name]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand port-forward" -s s -l server -d 'The API server\'s URL [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand port-forward" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand port-forward" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand port-forward" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand port-forward" -s h -l help -d 'Print help'
complete -c k8sm -n "__fish_k8sm_using_subcommand get" -s f -l filename -d 'A file or directory of JSON or YAML, several documents allowed; - is stdin' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand get" -s n -l namespace -d 'The namespace [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand get" -l context -d 'The context of the kubeconfig [default: the current one, or that of --name]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand get" -s s -l server -d 'The API server\'s URL [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand get" -s l -l selector -d 'Only objects with these labels: a=b,c!=d,e in (f,g)' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand get" -l field-selector -d 'Only objects with these fields: status.phase=Running' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand get" -s o -l output -d 'wide, json, yaml, name, jsonpath=TEMPLATE or custom-columns=HEADING:PATH,…' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand get" -l sort-by -d 'In the order of a field, as .metadata.creationTimestamp' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand get" -s L -l label-columns -d 'Show these labels, each in a column' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand get" -l show-managed-fields -d 'In JSON and YAML, show too who wrote which fields' -r -f -a "true\t''
false\t''"
complete -c k8sm -n "__fish_k8sm_using_subcommand get" -l raw -d 'What the server answers at a path, as it is: /readyz, /metrics, /api/v1/nodes' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand get" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand get" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand get" -s R -l recursive -d 'Directories with all directories below them'
complete -c k8sm -n "__fish_k8sm_using_subcommand get" -s A -l all-namespaces -d 'In all namespaces'
complete -c k8sm -n "__fish_k8sm_using_subcommand get" -s w -l watch -d 'Go on showing objects as they change'
complete -c k8sm -n "__fish_k8sm_using_subcommand get" -l watch-only -d 'Show changes alone, not what is there already'
complete -c k8sm -n "__fish_k8sm_using_subcommand get" -l no-headers -d 'Leave the headings out'
complete -c k8sm -n "__fish_k8sm_using_subcommand get" -l show-labels -d 'Show all labels in a last column'
complete -c k8sm -n "__fish_k8sm_using_subcommand get" -l ignore-not-found -d 'No error for a name that is not there'
complete -c k8sm -n "__fish_k8sm_using_subcommand get" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand get" -s h -l help -d 'Print help'
complete -c k8sm -n "__fish_k8sm_using_subcommand describe" -s f -l filename -d 'A file or directory of JSON or YAML, several documents allowed; - is stdin' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand describe" -s n -l namespace -d 'The namespace [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand describe" -l context -d 'The context of the kubeconfig [default: the current one, or that of --name]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand describe" -s s -l server -d 'The API server\'s URL [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand describe" -s l -l selector -d 'Only objects with these labels' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand describe" -l show-events -d 'With the events about them' -r -f -a "true\t''
false\t''"
complete -c k8sm -n "__fish_k8sm_using_subcommand describe" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand describe" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand describe" -s R -l recursive -d 'Directories with all directories below them'
complete -c k8sm -n "__fish_k8sm_using_subcommand describe" -s A -l all-namespaces -d 'In all namespaces'
complete -c k8sm -n "__fish_k8sm_using_subcommand describe" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand describe" -s h -l help -d 'Print help'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and not __fish_seen_subcommand_from namespace ns configmap cm secret serviceaccount sa help" -s n -l namespace -d 'The namespace [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and not __fish_seen_subcommand_from namespace ns configmap cm secret serviceaccount sa help" -l context -d 'The context of the kubeconfig [default: the current one, or that of --name]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and not __fish_seen_subcommand_from namespace ns configmap cm secret serviceaccount sa help" -s s -l server -d 'The API server\'s URL [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and not __fish_seen_subcommand_from namespace ns configmap cm secret serviceaccount sa help" -l validate -d 'What to do about fields that a kind does not have' -r -f -a "strict\t'Refuse them'
warn\t'Drop them with a warning'
ignore\t'Drop them silently'"
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and not __fish_seen_subcommand_from namespace ns configmap cm secret serviceaccount sa help" -l dry-run -d 'Only check, and create nothing: here, or at the server' -r -f -a "none\t'Do it'
client\t'Look at it here alone'
server\t'Let the server say what it would do'"
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and not __fish_seen_subcommand_from namespace ns configmap cm secret serviceaccount sa help" -s o -l output -d 'json, yaml, name or jsonpath=TEMPLATE, of what was created' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and not __fish_seen_subcommand_from namespace ns configmap cm secret serviceaccount sa help" -s f -l filename -d 'A file or directory of JSON or YAML, several documents allowed; - is stdin' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and not __fish_seen_subcommand_from namespace ns configmap cm secret serviceaccount sa help" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and not __fish_seen_subcommand_from namespace ns configmap cm secret serviceaccount sa help" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and not __fish_seen_subcommand_from namespace ns configmap cm secret serviceaccount sa help" -s R -l recursive -d 'Directories with all directories below them'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and not __fish_seen_subcommand_from namespace ns configmap cm secret serviceaccount sa help" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and not __fish_seen_subcommand_from namespace ns configmap cm secret serviceaccount sa help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and not __fish_seen_subcommand_from namespace ns configmap cm secret serviceaccount sa help" -f -a "namespace" -d 'Create a namespace'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and not __fish_seen_subcommand_from namespace ns configmap cm secret serviceaccount sa help" -f -a "ns" -d 'Create a namespace'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and not __fish_seen_subcommand_from namespace ns configmap cm secret serviceaccount sa help" -f -a "configmap" -d 'Create a config map out of values and files'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and not __fish_seen_subcommand_from namespace ns configmap cm secret serviceaccount sa help" -f -a "cm" -d 'Create a config map out of values and files'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and not __fish_seen_subcommand_from namespace ns configmap cm secret serviceaccount sa help" -f -a "secret" -d 'Create a secret'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and not __fish_seen_subcommand_from namespace ns configmap cm secret serviceaccount sa help" -f -a "serviceaccount" -d 'Create a service account'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and not __fish_seen_subcommand_from namespace ns configmap cm secret serviceaccount sa help" -f -a "sa" -d 'Create a service account'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and not __fish_seen_subcommand_from namespace ns configmap cm secret serviceaccount sa help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from namespace" -s n -l namespace -d 'The namespace [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from namespace" -l context -d 'The context of the kubeconfig [default: the current one, or that of --name]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from namespace" -s s -l server -d 'The API server\'s URL [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from namespace" -l validate -d 'What to do about fields that a kind does not have' -r -f -a "strict\t'Refuse them'
warn\t'Drop them with a warning'
ignore\t'Drop them silently'"
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from namespace" -l dry-run -d 'Only check, and create nothing: here, or at the server' -r -f -a "none\t'Do it'
client\t'Look at it here alone'
server\t'Let the server say what it would do'"
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from namespace" -s o -l output -d 'json, yaml, name or jsonpath=TEMPLATE, of what was created' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from namespace" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from namespace" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from namespace" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from namespace" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from ns" -s n -l namespace -d 'The namespace [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from ns" -l context -d 'The context of the kubeconfig [default: the current one, or that of --name]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from ns" -s s -l server -d 'The API server\'s URL [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from ns" -l validate -d 'What to do about fields that a kind does not have' -r -f -a "strict\t'Refuse them'
warn\t'Drop them with a warning'
ignore\t'Drop them silently'"
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from ns" -l dry-run -d 'Only check, and create nothing: here, or at the server' -r -f -a "none\t'Do it'
client\t'Look at it here alone'
server\t'Let the server say what it would do'"
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from ns" -s o -l output -d 'json, yaml, name or jsonpath=TEMPLATE, of what was created' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from ns" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from ns" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from ns" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from ns" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from configmap" -l from-literal -d 'A key and its value; several times' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from configmap" -l from-file -d 'A file, whose name is the key where none is said, or a directory for all files in it; several times' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from configmap" -l from-env-file -d 'A file of lines KEY=VALUE; KEY alone has the value of this environment' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from configmap" -s n -l namespace -d 'The namespace [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from configmap" -l context -d 'The context of the kubeconfig [default: the current one, or that of --name]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from configmap" -s s -l server -d 'The API server\'s URL [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from configmap" -l validate -d 'What to do about fields that a kind does not have' -r -f -a "strict\t'Refuse them'
warn\t'Drop them with a warning'
ignore\t'Drop them silently'"
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from configmap" -l dry-run -d 'Only check, and create nothing: here, or at the server' -r -f -a "none\t'Do it'
client\t'Look at it here alone'
server\t'Let the server say what it would do'"
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from configmap" -s o -l output -d 'json, yaml, name or jsonpath=TEMPLATE, of what was created' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from configmap" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from configmap" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from configmap" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from configmap" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from cm" -l from-literal -d 'A key and its value; several times' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from cm" -l from-file -d 'A file, whose name is the key where none is said, or a directory for all files in it; several times' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from cm" -l from-env-file -d 'A file of lines KEY=VALUE; KEY alone has the value of this environment' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from cm" -s n -l namespace -d 'The namespace [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from cm" -l context -d 'The context of the kubeconfig [default: the current one, or that of --name]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from cm" -s s -l server -d 'The API server\'s URL [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from cm" -l validate -d 'What to do about fields that a kind does not have' -r -f -a "strict\t'Refuse them'
warn\t'Drop them with a warning'
ignore\t'Drop them silently'"
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from cm" -l dry-run -d 'Only check, and create nothing: here, or at the server' -r -f -a "none\t'Do it'
client\t'Look at it here alone'
server\t'Let the server say what it would do'"
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from cm" -s o -l output -d 'json, yaml, name or jsonpath=TEMPLATE, of what was created' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from cm" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from cm" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from cm" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from cm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from secret" -s n -l namespace -d 'The namespace [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from secret" -l context -d 'The context of the kubeconfig [default: the current one, or that of --name]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from secret" -s s -l server -d 'The API server\'s URL [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from secret" -l validate -d 'What to do about fields that a kind does not have' -r -f -a "strict\t'Refuse them'
warn\t'Drop them with a warning'
ignore\t'Drop them silently'"
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from secret" -l dry-run -d 'Only check, and create nothing: here, or at the server' -r -f -a "none\t'Do it'
client\t'Look at it here alone'
server\t'Let the server say what it would do'"
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from secret" -s o -l output -d 'json, yaml, name or jsonpath=TEMPLATE, of what was created' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from secret" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from secret" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from secret" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from secret" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from secret" -f -a "generic" -d 'Create a secret out of values and files'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from secret" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from serviceaccount" -s n -l namespace -d 'The namespace [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from serviceaccount" -l context -d 'The context of the kubeconfig [default: the current one, or that of --name]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from serviceaccount" -s s -l server -d 'The API server\'s URL [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from serviceaccount" -l validate -d 'What to do about fields that a kind does not have' -r -f -a "strict\t'Refuse them'
warn\t'Drop them with a warning'
ignore\t'Drop them silently'"
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from serviceaccount" -l dry-run -d 'Only check, and create nothing: here, or at the server' -r -f -a "none\t'Do it'
client\t'Look at it here alone'
server\t'Let the server say what it would do'"
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from serviceaccount" -s o -l output -d 'json, yaml, name or jsonpath=TEMPLATE, of what was created' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from serviceaccount" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from serviceaccount" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from serviceaccount" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from serviceaccount" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from sa" -s n -l namespace -d 'The namespace [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from sa" -l context -d 'The context of the kubeconfig [default: the current one, or that of --name]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from sa" -s s -l server -d 'The API server\'s URL [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from sa" -l validate -d 'What to do about fields that a kind does not have' -r -f -a "strict\t'Refuse them'
warn\t'Drop them with a warning'
ignore\t'Drop them silently'"
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from sa" -l dry-run -d 'Only check, and create nothing: here, or at the server' -r -f -a "none\t'Do it'
client\t'Look at it here alone'
server\t'Let the server say what it would do'"
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from sa" -s o -l output -d 'json, yaml, name or jsonpath=TEMPLATE, of what was created' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from sa" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from sa" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from sa" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from sa" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from help" -f -a "namespace" -d 'Create a namespace'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from help" -f -a "configmap" -d 'Create a config map out of values and files'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from help" -f -a "secret" -d 'Create a secret'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from help" -f -a "serviceaccount" -d 'Create a service account'
complete -c k8sm -n "__fish_k8sm_using_subcommand create; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c k8sm -n "__fish_k8sm_using_subcommand apply" -s n -l namespace -d 'The namespace [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand apply" -l context -d 'The context of the kubeconfig [default: the current one, or that of --name]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand apply" -s s -l server -d 'The API server\'s URL [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand apply" -l validate -d 'What to do about fields that a kind does not have' -r -f -a "strict\t'Refuse them'
warn\t'Drop them with a warning'
ignore\t'Drop them silently'"
complete -c k8sm -n "__fish_k8sm_using_subcommand apply" -l dry-run -d 'Only say what would change: as it is known here, or as the server answers' -r -f -a "none\t'Do it'
client\t'Look at it here alone'
server\t'Let the server say what it would do'"
complete -c k8sm -n "__fish_k8sm_using_subcommand apply" -s o -l output -d 'json, yaml, name or jsonpath=TEMPLATE, of what the objects are then' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand apply" -s f -l filename -d 'A file or directory of JSON or YAML, several documents allowed; - is stdin' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand apply" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand apply" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand apply" -s R -l recursive -d 'Directories with all directories below them'
complete -c k8sm -n "__fish_k8sm_using_subcommand apply" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand apply" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c k8sm -n "__fish_k8sm_using_subcommand delete" -s f -l filename -d 'A file or directory of JSON or YAML, several documents allowed; - is stdin' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand delete" -s l -l selector -d 'Those with these labels: a=b,c!=d,e in (f,g)' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand delete" -l field-selector -d 'Those with these fields: status.phase=Failed' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand delete" -s n -l namespace -d 'The namespace [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand delete" -l context -d 'The context of the kubeconfig [default: the current one, or that of --name]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand delete" -s s -l server -d 'The API server\'s URL [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand delete" -l grace-period -d 'How long an object may take to end in good order, in seconds; 0 only with --force, else 1 [default: as it says itself]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand delete" -l cascade -d 'background, foreground or orphan: what becomes of what belongs to an object' -r -f -a "background\t''
foreground\t''
orphan\t''"
complete -c k8sm -n "__fish_k8sm_using_subcommand delete" -l wait -d 'Wait until the objects are gone' -r -f -a "true\t''
false\t''"
complete -c k8sm -n "__fish_k8sm_using_subcommand delete" -l timeout -d 'How long to wait, as 30s or 2m; 0 is for ever' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand delete" -l dry-run -d 'Only say what would be deleted: as it is known here, or as the server answers' -r -f -a "none\t'Do it'
client\t'Look at it here alone'
server\t'Let the server say what it would do'"
complete -c k8sm -n "__fish_k8sm_using_subcommand delete" -s o -l output -d 'name: print TYPE/NAME alone' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand delete" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand delete" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand delete" -s R -l recursive -d 'Directories with all directories below them'
complete -c k8sm -n "__fish_k8sm_using_subcommand delete" -l all -d 'All of the type'
complete -c k8sm -n "__fish_k8sm_using_subcommand delete" -s A -l all-namespaces -d 'In all namespaces'
complete -c k8sm -n "__fish_k8sm_using_subcommand delete" -l now -d 'At once: a grace period of 1 second'
complete -c k8sm -n "__fish_k8sm_using_subcommand delete" -l force -d 'Do not wait for the node: a grace period of 0'
complete -c k8sm -n "__fish_k8sm_using_subcommand delete" -l ignore-not-found -d 'No error for an object that is not there'
complete -c k8sm -n "__fish_k8sm_using_subcommand delete" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c k8sm -n "__fish_k8sm_using_subcommand scale" -s f -l filename -d 'A file or directory of JSON or YAML, several documents allowed; - is stdin' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand scale" -s l -l selector -d 'Those with these labels: a=b,c!=d,e in (f,g)' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand scale" -l field-selector -d 'Those with these fields: status.phase=Failed' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand scale" -s n -l namespace -d 'The namespace [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand scale" -l context -d 'The context of the kubeconfig [default: the current one, or that of --name]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand scale" -s s -l server -d 'The API server\'s URL [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand scale" -l replicas -d 'How many there shall be' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand scale" -l current-replicas -d 'Only where there are that many now; -1 is any number' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand scale" -l dry-run -d 'Only say what would be scaled: as it is known here, or as the server answers' -r -f -a "none\t'Do it'
client\t'Look at it here alone'
server\t'Let the server say what it would do'"
complete -c k8sm -n "__fish_k8sm_using_subcommand scale" -s o -l output -d 'name: print TYPE/NAME alone' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand scale" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand scale" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand scale" -s R -l recursive -d 'Directories with all directories below them'
complete -c k8sm -n "__fish_k8sm_using_subcommand scale" -l all -d 'All of the type'
complete -c k8sm -n "__fish_k8sm_using_subcommand scale" -s A -l all-namespaces -d 'In all namespaces'
complete -c k8sm -n "__fish_k8sm_using_subcommand scale" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand scale" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c k8sm -n "__fish_k8sm_using_subcommand label" -s f -l filename -d 'A file or directory of JSON or YAML, several documents allowed; - is stdin' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand label" -s l -l selector -d 'Those with these labels: a=b,c!=d,e in (f,g)' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand label" -l field-selector -d 'Those with these fields: status.phase=Failed' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand label" -s n -l namespace -d 'The namespace [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand label" -l context -d 'The context of the kubeconfig [default: the current one, or that of --name]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand label" -s s -l server -d 'The API server\'s URL [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand label" -l dry-run -d 'Only say what would change: as it is known here, or as the server answers' -r -f -a "none\t'Do it'
client\t'Look at it here alone'
server\t'Let the server say what it would do'"
complete -c k8sm -n "__fish_k8sm_using_subcommand label" -s o -l output -d 'json, yaml, name or jsonpath=TEMPLATE, of what the objects are then' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand label" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand label" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand label" -s R -l recursive -d 'Directories with all directories below them'
complete -c k8sm -n "__fish_k8sm_using_subcommand label" -l all -d 'All of the type'
complete -c k8sm -n "__fish_k8sm_using_subcommand label" -s A -l all-namespaces -d 'In all namespaces'
complete -c k8sm -n "__fish_k8sm_using_subcommand label" -l overwrite -d 'Keys that have another value already get this one'
complete -c k8sm -n "__fish_k8sm_using_subcommand label" -l list -d 'Show those that the objects have, and change nothing'
complete -c k8sm -n "__fish_k8sm_using_subcommand label" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand label" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c k8sm -n "__fish_k8sm_using_subcommand annotate" -s f -l filename -d 'A file or directory of JSON or YAML, several documents allowed; - is stdin' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand annotate" -s l -l selector -d 'Those with these labels: a=b,c!=d,e in (f,g)' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand annotate" -l field-selector -d 'Those with these fields: status.phase=Failed' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand annotate" -s n -l namespace -d 'The namespace [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand annotate" -l context -d 'The context of the kubeconfig [default: the current one, or that of --name]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand annotate" -s s -l server -d 'The API server\'s URL [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand annotate" -l dry-run -d 'Only say what would change: as it is known here, or as the server answers' -r -f -a "none\t'Do it'
client\t'Look at it here alone'
server\t'Let the server say what it would do'"
complete -c k8sm -n "__fish_k8sm_using_subcommand annotate" -s o -l output -d 'json, yaml, name or jsonpath=TEMPLATE, of what the objects are then' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand annotate" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand annotate" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand annotate" -s R -l recursive -d 'Directories with all directories below them'
complete -c k8sm -n "__fish_k8sm_using_subcommand annotate" -l all -d 'All of the type'
complete -c k8sm -n "__fish_k8sm_using_subcommand annotate" -s A -l all-namespaces -d 'In all namespaces'
complete -c k8sm -n "__fish_k8sm_using_subcommand annotate" -l overwrite -d 'Keys that have another value already get this one'
complete -c k8sm -n "__fish_k8sm_using_subcommand annotate" -l list -d 'Show those that the objects have, and change nothing'
complete -c k8sm -n "__fish_k8sm_using_subcommand annotate" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand annotate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c k8sm -n "__fish_k8sm_using_subcommand logs" -s n -l namespace -d 'The namespace [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand logs" -l context -d 'The context of the kubeconfig [default: the current one, or that of --name]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand logs" -s s -l server -d 'The API server\'s URL [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand logs" -s l -l selector -d 'Of all pods with these labels, the last 10 lines of each unless --tail says other' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand logs" -s c -l container -d 'The container [default: the first]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand logs" -l all-containers -d 'All containers of the pod, one after another; with -f side by side' -r -f -a "true\t''
false\t''"
complete -c k8sm -n "__fish_k8sm_using_subcommand logs" -l tail -d 'Only the last lines; -1 is all' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand logs" -l since -d 'Only what is newer than a time, as 10s, 5m, 3h' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand logs" -l since-time -d 'Only what was written after a moment (RFC 3339)' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand logs" -l timestamps -d 'With the time of each line' -r -f -a "true\t''
false\t''"
complete -c k8sm -n "__fish_k8sm_using_subcommand logs" -l limit-bytes -d 'At most that many bytes' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand logs" -l max-log-requests -d 'How many containers may be followed at a time' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand logs" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand logs" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand logs" -s f -l follow -d 'Go on as it is written'
complete -c k8sm -n "__fish_k8sm_using_subcommand logs" -l prefix -d 'Begin each line with [pod/NAME/CONTAINER]'
complete -c k8sm -n "__fish_k8sm_using_subcommand logs" -s p -l previous -d 'Of the container before its last restart'
complete -c k8sm -n "__fish_k8sm_using_subcommand logs" -l ignore-errors -d 'Go on where one container\'s cannot be read'
complete -c k8sm -n "__fish_k8sm_using_subcommand logs" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand logs" -s h -l help -d 'Print help'
complete -c k8sm -n "__fish_k8sm_using_subcommand wait" -s f -l filename -d 'A file or directory of JSON or YAML, several documents allowed; - is stdin' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand wait" -s l -l selector -d 'Those with these labels: a=b,c!=d,e in (f,g)' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand wait" -l field-selector -d 'Those with these fields: status.phase=Failed' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand wait" -s n -l namespace -d 'The namespace [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand wait" -l context -d 'The context of the kubeconfig [default: the current one, or that of --name]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand wait" -s s -l server -d 'The API server\'s URL [default: the context\'s]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand wait" -l for -d 'condition=NAME[=VALUE], jsonpath={PATH}[=VALUE], create or delete' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand wait" -l timeout -d 'How long to wait for each object, as 30s or 2m; 0 looks once' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand wait" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand wait" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand wait" -s R -l recursive -d 'Directories with all directories below them'
complete -c k8sm -n "__fish_k8sm_using_subcommand wait" -l all -d 'All of the type'
complete -c k8sm -n "__fish_k8sm_using_subcommand wait" -s A -l all-namespaces -d 'In all namespaces'
complete -c k8sm -n "__fish_k8sm_using_subcommand wait" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand wait" -s h -l help -d 'Print help'
complete -c k8sm -n "__fish_k8sm_using_subcommand completions" -l directory -d 'Write the file that the shell looks for into this directory instead' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand completions" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand completions" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand completions" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand completions" -s h -l help -d 'Print help'
complete -c k8sm -n "__fish_k8sm_using_subcommand completion" -l directory -d 'Write the file that the shell looks for into this directory instead' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand completion" -l name -d 'The cluster that is meant [default: k8sm]' -r
complete -c k8sm -n "__fish_k8sm_using_subcommand completion" -l kubeconfig -d 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]' -r -F
complete -c k8sm -n "__fish_k8sm_using_subcommand completion" -s v -l verbose -d 'Say more: the whole chain of an error, each step of a plan'
complete -c k8sm -n "__fish_k8sm_using_subcommand completion" -s h -l help -d 'Print help'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "up" -d 'Bring up a cluster, or complete one'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "down" -d 'Remove a cluster with all that belongs to it, and restore the kubeconfig'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "status" -d 'Show each component of a cluster: health, addresses, memory (proportional set size)'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "stop" -d 'Stop a cluster, keeping its objects, keys and addresses'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "start" -d 'Start a stopped cluster, and wait until it serves'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "cluster" -d 'Logs, topology and list of clusters'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "addons" -d 'Deploy what runs on the cluster itself'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "clusters" -d 'List the clusters of this Docker engine'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "kubeconfig" -d 'Print a kubeconfig for a cluster, or merge it into yours'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "health-check" -d 'Ask a URL once: exit code 0 when it answers 200, 7 when nobody answers, else 1'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "await-health-check" -d 'Ask a URL until it answers 200'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "await-file" -d 'Wait until a file is there'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "exec" -d 'Run a command in a container of a pod'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "attach" -d 'Attach to the process that a pod\'s container runs'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "port-forward" -d 'Forward ports of this machine to a pod, or to a pod behind a service, until interrupted'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "get" -d 'Show objects'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "describe" -d 'Show everything about objects, with their events'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "create" -d 'Create objects: from manifests, or a namespace, config map, secret or service account by its name'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "apply" -d 'Create or change objects to be as manifests say'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "delete" -d 'Delete objects'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "scale" -d 'Set how many replicas controllers have'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "label" -d 'Set labels of objects, and take them away'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "annotate" -d 'Set annotations of objects, and take them away'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "logs" -d 'Show what containers wrote'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "wait" -d 'Wait until objects are as a condition says'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "completions" -d 'Print a shell\'s completions of this command'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and not __fish_seen_subcommand_from up down status stop start cluster addons clusters kubeconfig health-check await-health-check await-file exec attach port-forward get describe create apply delete scale label annotate logs wait completions help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and __fish_seen_subcommand_from cluster" -f -a "logs" -d 'Print what the components of a cluster logged'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and __fish_seen_subcommand_from cluster" -f -a "compose" -d 'Print the compose file that a cluster is made from, with every placeholder resolved'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and __fish_seen_subcommand_from cluster" -f -a "list" -d 'List the clusters of this Docker engine'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and __fish_seen_subcommand_from addons" -f -a "dns" -d 'Deploy the cluster\'s DNS, and wait until its pods are ready'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and __fish_seen_subcommand_from create" -f -a "namespace" -d 'Create a namespace'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and __fish_seen_subcommand_from create" -f -a "configmap" -d 'Create a config map out of values and files'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and __fish_seen_subcommand_from create" -f -a "secret" -d 'Create a secret'
complete -c k8sm -n "__fish_k8sm_using_subcommand help; and __fish_seen_subcommand_from create" -f -a "serviceaccount" -d 'Create a service account'
