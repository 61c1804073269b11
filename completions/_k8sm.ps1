
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'k8sm' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'k8sm'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'k8sm' {
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('up', 'up', [CompletionResultType]::ParameterValue, 'Bring up a cluster, or complete one')
            [CompletionResult]::new('down', 'down', [CompletionResultType]::ParameterValue, 'Remove a cluster with all that belongs to it, and restore the kubeconfig')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show each component of a cluster: health, addresses, memory (proportional set size)')
            [CompletionResult]::new('stop', 'stop', [CompletionResultType]::ParameterValue, 'Stop a cluster, keeping its objects, keys and addresses')
            [CompletionResult]::new('start', 'start', [CompletionResultType]::ParameterValue, 'Start a stopped cluster, and wait until it serves')
            [CompletionResult]::new('cluster', 'cluster', [CompletionResultType]::ParameterValue, 'Logs, topology and list of clusters')
            [CompletionResult]::new('addons', 'addons', [CompletionResultType]::ParameterValue, 'Deploy what runs on the cluster itself')
            [CompletionResult]::new('clusters', 'clusters', [CompletionResultType]::ParameterValue, 'List the clusters of this Docker engine')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the clusters of this Docker engine')
            [CompletionResult]::new('kubeconfig', 'kubeconfig', [CompletionResultType]::ParameterValue, 'Print a kubeconfig for a cluster, or merge it into yours')
            [CompletionResult]::new('health-check', 'health-check', [CompletionResultType]::ParameterValue, 'Ask a URL once: exit code 0 when it answers 200, 7 when nobody answers, else 1')
            [CompletionResult]::new('await-health-check', 'await-health-check', [CompletionResultType]::ParameterValue, 'Ask a URL until it answers 200')
            [CompletionResult]::new('await-file', 'await-file', [CompletionResultType]::ParameterValue, 'Wait until a file is there')
            [CompletionResult]::new('exec', 'exec', [CompletionResultType]::ParameterValue, 'Run a command in a container of a pod')
            [CompletionResult]::new('attach', 'attach', [CompletionResultType]::ParameterValue, 'Attach to the process that a pod''s container runs')
            [CompletionResult]::new('port-forward', 'port-forward', [CompletionResultType]::ParameterValue, 'Forward ports of this machine to a pod, or to a pod behind a service, until interrupted')
            [CompletionResult]::new('get', 'get', [CompletionResultType]::ParameterValue, 'Show objects')
            [CompletionResult]::new('describe', 'describe', [CompletionResultType]::ParameterValue, 'Show everything about objects, with their events')
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Create objects: from manifests, or a namespace, config map, secret or service account by its name')
            [CompletionResult]::new('apply', 'apply', [CompletionResultType]::ParameterValue, 'Create or change objects to be as manifests say')
            [CompletionResult]::new('delete', 'delete', [CompletionResultType]::ParameterValue, 'Delete objects')
            [CompletionResult]::new('scale', 'scale', [CompletionResultType]::ParameterValue, 'Set how many replicas controllers have')
            [CompletionResult]::new('label', 'label', [CompletionResultType]::ParameterValue, 'Set labels of objects, and take them away')
            [CompletionResult]::new('annotate', 'annotate', [CompletionResultType]::ParameterValue, 'Set annotations of objects, and take them away')
            [CompletionResult]::new('logs', 'logs', [CompletionResultType]::ParameterValue, 'Show what containers wrote')
            [CompletionResult]::new('wait', 'wait', [CompletionResultType]::ParameterValue, 'Wait until objects are as a condition says')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a shell''s completions of this command')
            [CompletionResult]::new('completion', 'completion', [CompletionResultType]::ParameterValue, 'Print a shell''s completions of this command')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'k8sm;up' {
            [CompletionResult]::new('--slaves', '--slaves', [CompletionResultType]::ParameterName, 'How many Mesos slaves, which are the nodes [default: 2, or as many as there are]')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'The compose file of the topology [default: built in]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait until everything is ready')
            [CompletionResult]::new('--etcd-image', '--etcd-image', [CompletionResultType]::ParameterName, 'The image of etcd [default: made from this machine''s etcd, or the compose file''s, pulled]')
            [CompletionResult]::new('--publish', '--publish', [CompletionResultType]::ParameterName, 'Serve a node port on 127.0.0.1; may be given several times')
            [CompletionResult]::new('--service-cidr', '--service-cidr', [CompletionResultType]::ParameterName, 'The range of service addresses [default: 10.10.10.0/24]')
            [CompletionResult]::new('--api-port', '--api-port', [CompletionResultType]::ParameterName, 'The API server''s port on 127.0.0.1 [default: 6443, or the next free one]')
            [CompletionResult]::new('--insecure-port', '--insecure-port', [CompletionResultType]::ParameterName, 'The API server''s plain port on 127.0.0.1 [default: 8888, or the next free one]')
            [CompletionResult]::new('--mesos-port', '--mesos-port', [CompletionResultType]::ParameterName, 'The Mesos master''s port on 127.0.0.1; 0 publishes none [default: 5050, or the next free one]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The form of the dry run''s plan')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The form of the dry run''s plan')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('--keep', '--keep', [CompletionResultType]::ParameterName, 'Keep what was made when it fails')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print what would be done, and do nothing')
            [CompletionResult]::new('--recreate', '--recreate', [CompletionResultType]::ParameterName, 'Replace components that another build or another file made')
            [CompletionResult]::new('--no-dns', '--no-dns', [CompletionResultType]::ParameterName, 'Leave the cluster''s DNS out')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'k8sm;down' {
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'k8sm;status' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The form of the output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The form of the output')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('--exit-code', '--exit-code', [CompletionResultType]::ParameterName, 'End with 1 where a component is not healthy')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'k8sm;stop' {
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'k8sm;start' {
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait until everything is ready')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'k8sm;cluster' {
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('logs', 'logs', [CompletionResultType]::ParameterValue, 'Print what the components of a cluster logged')
            [CompletionResult]::new('compose', 'compose', [CompletionResultType]::ParameterValue, 'Print the compose file that a cluster is made from, with every placeholder resolved')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the clusters of this Docker engine')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'k8sm;cluster;logs' {
            [CompletionResult]::new('--tail', '--tail', [CompletionResultType]::ParameterName, 'How many of the last lines of each')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Go on with what they log from now on')
            [CompletionResult]::new('--follow', '--follow', [CompletionResultType]::ParameterName, 'Go on with what they log from now on')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'k8sm;cluster;compose' {
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'The compose file of the topology [default: built in]')
            [CompletionResult]::new('--slaves', '--slaves', [CompletionResultType]::ParameterName, 'How many Mesos slaves [default: 2, or as many as there are]')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('--template', '--template', [CompletionResultType]::ParameterName, 'Print the built-in file with its placeholders instead, which `k8sm up --file` takes')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'k8sm;cluster;list' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The form of the output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The form of the output')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'k8sm;cluster;help' {
            [CompletionResult]::new('logs', 'logs', [CompletionResultType]::ParameterValue, 'Print what the components of a cluster logged')
            [CompletionResult]::new('compose', 'compose', [CompletionResultType]::ParameterValue, 'Print the compose file that a cluster is made from, with every placeholder resolved')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the clusters of this Docker engine')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'k8sm;cluster;help;logs' {
            break
        }
        'k8sm;cluster;help;compose' {
            break
        }
        'k8sm;cluster;help;list' {
            break
        }
        'k8sm;cluster;help;help' {
            break
        }
        'k8sm;addons' {
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('dns', 'dns', [CompletionResultType]::ParameterValue, 'Deploy the cluster''s DNS, and wait until its pods are ready')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'k8sm;addons;dns' {
            [CompletionResult]::new('--replicas', '--replicas', [CompletionResultType]::ParameterName, 'How many pods answer')
            [CompletionResult]::new('--domain', '--domain', [CompletionResultType]::ParameterName, 'The domain of services and pods')
            [CompletionResult]::new('--server-ip', '--server-ip', [CompletionResultType]::ParameterName, 'The address of the DNS service [default: the tenth of the service range]')
            [CompletionResult]::new('--flavor', '--flavor', [CompletionResultType]::ParameterName, 'How many containers a pod of it has')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait until it is ready')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The context of the kubeconfig [default: the current one, or that of --name]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('--render', '--render', [CompletionResultType]::ParameterName, 'Print the manifests, and deploy nothing')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'k8sm;addons;help' {
            [CompletionResult]::new('dns', 'dns', [CompletionResultType]::ParameterValue, 'Deploy the cluster''s DNS, and wait until its pods are ready')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'k8sm;addons;help;dns' {
            break
        }
        'k8sm;addons;help;help' {
            break
        }
        'k8sm;clusters' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The form of the output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The form of the output')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'k8sm;list' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The form of the output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The form of the output')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'k8sm;kubeconfig' {
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('--merge', '--merge', [CompletionResultType]::ParameterName, 'Merge it into the kubeconfig instead of printing it')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'k8sm;health-check' {
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'The certificate authority of an https URL')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'k8sm;await-health-check' {
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'How long to wait')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'The certificate authority of an https URL')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'k8sm;await-file' {
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'How long to wait')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'k8sm;exec' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The context of the kubeconfig [default: the current one, or that of --name]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The container [default: the first]')
            [CompletionResult]::new('--container', '--container', [CompletionResultType]::ParameterName, 'The container [default: the first]')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'Pass stdin on to the command')
            [CompletionResult]::new('--stdin', '--stdin', [CompletionResultType]::ParameterName, 'Pass stdin on to the command')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Give it a terminal')
            [CompletionResult]::new('--tty', '--tty', [CompletionResultType]::ParameterName, 'Give it a terminal')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but what the command says')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but what the command says')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'k8sm;attach' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The context of the kubeconfig [default: the current one, or that of --name]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The container [default: the first]')
            [CompletionResult]::new('--container', '--container', [CompletionResultType]::ParameterName, 'The container [default: the first]')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'Pass stdin on to the process')
            [CompletionResult]::new('--stdin', '--stdin', [CompletionResultType]::ParameterName, 'Pass stdin on to the process')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Hand the terminal over, where the container has one')
            [CompletionResult]::new('--tty', '--tty', [CompletionResultType]::ParameterName, 'Hand the terminal over, where the container has one')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but what the process says')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but what the process says')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'k8sm;port-forward' {
            [CompletionResult]::new('--address', '--address', [CompletionResultType]::ParameterName, 'Where this machine listens: addresses, or localhost')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The context of the kubeconfig [default: the current one, or that of --name]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'k8sm;get' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'A file or directory of JSON or YAML, several documents allowed; - is stdin')
            [CompletionResult]::new('--filename', '--filename', [CompletionResultType]::ParameterName, 'A file or directory of JSON or YAML, several documents allowed; - is stdin')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The context of the kubeconfig [default: the current one, or that of --name]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Only objects with these labels: a=b,c!=d,e in (f,g)')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Only objects with these labels: a=b,c!=d,e in (f,g)')
            [CompletionResult]::new('--field-selector', '--field-selector', [CompletionResultType]::ParameterName, 'Only objects with these fields: status.phase=Running')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'wide, json, yaml, name, jsonpath=TEMPLATE or custom-columns=HEADING:PATH,…')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'wide, json, yaml, name, jsonpath=TEMPLATE or custom-columns=HEADING:PATH,…')
            [CompletionResult]::new('--sort-by', '--sort-by', [CompletionResultType]::ParameterName, 'In the order of a field, as .metadata.creationTimestamp')
            [CompletionResult]::new('-L', '-L ', [CompletionResultType]::ParameterName, 'Show these labels, each in a column')
            [CompletionResult]::new('--label-columns', '--label-columns', [CompletionResultType]::ParameterName, 'Show these labels, each in a column')
            [CompletionResult]::new('--show-managed-fields', '--show-managed-fields', [CompletionResultType]::ParameterName, 'In JSON and YAML, show too who wrote which fields')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'What the server answers at a path, as it is: /readyz, /metrics, /api/v1/nodes')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-R', '-R ', [CompletionResultType]::ParameterName, 'Directories with all directories below them')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Directories with all directories below them')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'In all namespaces')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'In all namespaces')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Go on showing objects as they change')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Go on showing objects as they change')
            [CompletionResult]::new('--watch-only', '--watch-only', [CompletionResultType]::ParameterName, 'Show changes alone, not what is there already')
            [CompletionResult]::new('--no-headers', '--no-headers', [CompletionResultType]::ParameterName, 'Leave the headings out')
            [CompletionResult]::new('--show-labels', '--show-labels', [CompletionResultType]::ParameterName, 'Show all labels in a last column')
            [CompletionResult]::new('--ignore-not-found', '--ignore-not-found', [CompletionResultType]::ParameterName, 'No error for a name that is not there')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'k8sm;describe' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'A file or directory of JSON or YAML, several documents allowed; - is stdin')
            [CompletionResult]::new('--filename', '--filename', [CompletionResultType]::ParameterName, 'A file or directory of JSON or YAML, several documents allowed; - is stdin')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The context of the kubeconfig [default: the current one, or that of --name]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Only objects with these labels')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Only objects with these labels')
            [CompletionResult]::new('--show-events', '--show-events', [CompletionResultType]::ParameterName, 'With the events about them')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-R', '-R ', [CompletionResultType]::ParameterName, 'Directories with all directories below them')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Directories with all directories below them')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'In all namespaces')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'In all namespaces')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'k8sm;create' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The context of the kubeconfig [default: the current one, or that of --name]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--validate', '--validate', [CompletionResultType]::ParameterName, 'What to do about fields that a kind does not have')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only check, and create nothing: here, or at the server')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'json, yaml, name or jsonpath=TEMPLATE, of what was created')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'json, yaml, name or jsonpath=TEMPLATE, of what was created')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'A file or directory of JSON or YAML, several documents allowed; - is stdin')
            [CompletionResult]::new('--filename', '--filename', [CompletionResultType]::ParameterName, 'A file or directory of JSON or YAML, several documents allowed; - is stdin')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-R', '-R ', [CompletionResultType]::ParameterName, 'Directories with all directories below them')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Directories with all directories below them')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('namespace', 'namespace', [CompletionResultType]::ParameterValue, 'Create a namespace')
            [CompletionResult]::new('ns', 'ns', [CompletionResultType]::ParameterValue, 'Create a namespace')
            [CompletionResult]::new('configmap', 'configmap', [CompletionResultType]::ParameterValue, 'Create a config map out of values and files')
            [CompletionResult]::new('cm', 'cm', [CompletionResultType]::ParameterValue, 'Create a config map out of values and files')
            [CompletionResult]::new('secret', 'secret', [CompletionResultType]::ParameterValue, 'Create a secret')
            [CompletionResult]::new('serviceaccount', 'serviceaccount', [CompletionResultType]::ParameterValue, 'Create a service account')
            [CompletionResult]::new('sa', 'sa', [CompletionResultType]::ParameterValue, 'Create a service account')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'k8sm;create;namespace' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The context of the kubeconfig [default: the current one, or that of --name]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--validate', '--validate', [CompletionResultType]::ParameterName, 'What to do about fields that a kind does not have')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only check, and create nothing: here, or at the server')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'json, yaml, name or jsonpath=TEMPLATE, of what was created')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'json, yaml, name or jsonpath=TEMPLATE, of what was created')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'k8sm;create;ns' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The context of the kubeconfig [default: the current one, or that of --name]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--validate', '--validate', [CompletionResultType]::ParameterName, 'What to do about fields that a kind does not have')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only check, and create nothing: here, or at the server')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'json, yaml, name or jsonpath=TEMPLATE, of what was created')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'json, yaml, name or jsonpath=TEMPLATE, of what was created')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'k8sm;create;configmap' {
            [CompletionResult]::new('--from-literal', '--from-literal', [CompletionResultType]::ParameterName, 'A key and its value; several times')
            [CompletionResult]::new('--from-file', '--from-file', [CompletionResultType]::ParameterName, 'A file, whose name is the key where none is said, or a directory for all files in it; several times')
            [CompletionResult]::new('--from-env-file', '--from-env-file', [CompletionResultType]::ParameterName, 'A file of lines KEY=VALUE; KEY alone has the value of this environment')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The context of the kubeconfig [default: the current one, or that of --name]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--validate', '--validate', [CompletionResultType]::ParameterName, 'What to do about fields that a kind does not have')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only check, and create nothing: here, or at the server')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'json, yaml, name or jsonpath=TEMPLATE, of what was created')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'json, yaml, name or jsonpath=TEMPLATE, of what was created')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'k8sm;create;cm' {
            [CompletionResult]::new('--from-literal', '--from-literal', [CompletionResultType]::ParameterName, 'A key and its value; several times')
            [CompletionResult]::new('--from-file', '--from-file', [CompletionResultType]::ParameterName, 'A file, whose name is the key where none is said, or a directory for all files in it; several times')
            [CompletionResult]::new('--from-env-file', '--from-env-file', [CompletionResultType]::ParameterName, 'A file of lines KEY=VALUE; KEY alone has the value of this environment')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The context of the kubeconfig [default: the current one, or that of --name]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--validate', '--validate', [CompletionResultType]::ParameterName, 'What to do about fields that a kind does not have')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only check, and create nothing: here, or at the server')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'json, yaml, name or jsonpath=TEMPLATE, of what was created')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'json, yaml, name or jsonpath=TEMPLATE, of what was created')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'k8sm;create;secret' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The context of the kubeconfig [default: the current one, or that of --name]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--validate', '--validate', [CompletionResultType]::ParameterName, 'What to do about fields that a kind does not have')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only check, and create nothing: here, or at the server')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'json, yaml, name or jsonpath=TEMPLATE, of what was created')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'json, yaml, name or jsonpath=TEMPLATE, of what was created')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('generic', 'generic', [CompletionResultType]::ParameterValue, 'Create a secret out of values and files')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'k8sm;create;secret;generic' {
            [CompletionResult]::new('--from-literal', '--from-literal', [CompletionResultType]::ParameterName, 'A key and its value; several times')
            [CompletionResult]::new('--from-file', '--from-file', [CompletionResultType]::ParameterName, 'A file, whose name is the key where none is said, or a directory for all files in it; several times')
            [CompletionResult]::new('--from-env-file', '--from-env-file', [CompletionResultType]::ParameterName, 'A file of lines KEY=VALUE; KEY alone has the value of this environment')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'The type of secret [default: Opaque]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The context of the kubeconfig [default: the current one, or that of --name]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--validate', '--validate', [CompletionResultType]::ParameterName, 'What to do about fields that a kind does not have')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only check, and create nothing: here, or at the server')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'json, yaml, name or jsonpath=TEMPLATE, of what was created')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'json, yaml, name or jsonpath=TEMPLATE, of what was created')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'k8sm;create;secret;help' {
            [CompletionResult]::new('generic', 'generic', [CompletionResultType]::ParameterValue, 'Create a secret out of values and files')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'k8sm;create;secret;help;generic' {
            break
        }
        'k8sm;create;secret;help;help' {
            break
        }
        'k8sm;create;serviceaccount' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The context of the kubeconfig [default: the current one, or that of --name]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--validate', '--validate', [CompletionResultType]::ParameterName, 'What to do about fields that a kind does not have')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only check, and create nothing: here, or at the server')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'json, yaml, name or jsonpath=TEMPLATE, of what was created')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'json, yaml, name or jsonpath=TEMPLATE, of what was created')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'k8sm;create;sa' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The context of the kubeconfig [default: the current one, or that of --name]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--validate', '--validate', [CompletionResultType]::ParameterName, 'What to do about fields that a kind does not have')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only check, and create nothing: here, or at the server')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'json, yaml, name or jsonpath=TEMPLATE, of what was created')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'json, yaml, name or jsonpath=TEMPLATE, of what was created')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'k8sm;create;help' {
            [CompletionResult]::new('namespace', 'namespace', [CompletionResultType]::ParameterValue, 'Create a namespace')
            [CompletionResult]::new('configmap', 'configmap', [CompletionResultType]::ParameterValue, 'Create a config map out of values and files')
            [CompletionResult]::new('secret', 'secret', [CompletionResultType]::ParameterValue, 'Create a secret')
            [CompletionResult]::new('serviceaccount', 'serviceaccount', [CompletionResultType]::ParameterValue, 'Create a service account')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'k8sm;create;help;namespace' {
            break
        }
        'k8sm;create;help;configmap' {
            break
        }
        'k8sm;create;help;secret' {
            [CompletionResult]::new('generic', 'generic', [CompletionResultType]::ParameterValue, 'Create a secret out of values and files')
            break
        }
        'k8sm;create;help;secret;generic' {
            break
        }
        'k8sm;create;help;serviceaccount' {
            break
        }
        'k8sm;create;help;help' {
            break
        }
        'k8sm;apply' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The context of the kubeconfig [default: the current one, or that of --name]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--validate', '--validate', [CompletionResultType]::ParameterName, 'What to do about fields that a kind does not have')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only say what would change: as it is known here, or as the server answers')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'json, yaml, name or jsonpath=TEMPLATE, of what the objects are then')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'json, yaml, name or jsonpath=TEMPLATE, of what the objects are then')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'A file or directory of JSON or YAML, several documents allowed; - is stdin')
            [CompletionResult]::new('--filename', '--filename', [CompletionResultType]::ParameterName, 'A file or directory of JSON or YAML, several documents allowed; - is stdin')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-R', '-R ', [CompletionResultType]::ParameterName, 'Directories with all directories below them')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Directories with all directories below them')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'k8sm;delete' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'A file or directory of JSON or YAML, several documents allowed; - is stdin')
            [CompletionResult]::new('--filename', '--filename', [CompletionResultType]::ParameterName, 'A file or directory of JSON or YAML, several documents allowed; - is stdin')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Those with these labels: a=b,c!=d,e in (f,g)')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Those with these labels: a=b,c!=d,e in (f,g)')
            [CompletionResult]::new('--field-selector', '--field-selector', [CompletionResultType]::ParameterName, 'Those with these fields: status.phase=Failed')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The context of the kubeconfig [default: the current one, or that of --name]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--grace-period', '--grace-period', [CompletionResultType]::ParameterName, 'How long an object may take to end in good order, in seconds; 0 only with --force, else 1 [default: as it says itself]')
            [CompletionResult]::new('--cascade', '--cascade', [CompletionResultType]::ParameterName, 'background, foreground or orphan: what becomes of what belongs to an object')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Wait until the objects are gone')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait, as 30s or 2m; 0 is for ever')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only say what would be deleted: as it is known here, or as the server answers')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'name: print TYPE/NAME alone')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'name: print TYPE/NAME alone')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-R', '-R ', [CompletionResultType]::ParameterName, 'Directories with all directories below them')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Directories with all directories below them')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'All of the type')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'In all namespaces')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'In all namespaces')
            [CompletionResult]::new('--now', '--now', [CompletionResultType]::ParameterName, 'At once: a grace period of 1 second')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Do not wait for the node: a grace period of 0')
            [CompletionResult]::new('--ignore-not-found', '--ignore-not-found', [CompletionResultType]::ParameterName, 'No error for an object that is not there')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'k8sm;scale' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'A file or directory of JSON or YAML, several documents allowed; - is stdin')
            [CompletionResult]::new('--filename', '--filename', [CompletionResultType]::ParameterName, 'A file or directory of JSON or YAML, several documents allowed; - is stdin')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Those with these labels: a=b,c!=d,e in (f,g)')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Those with these labels: a=b,c!=d,e in (f,g)')
            [CompletionResult]::new('--field-selector', '--field-selector', [CompletionResultType]::ParameterName, 'Those with these fields: status.phase=Failed')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The context of the kubeconfig [default: the current one, or that of --name]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--replicas', '--replicas', [CompletionResultType]::ParameterName, 'How many there shall be')
            [CompletionResult]::new('--current-replicas', '--current-replicas', [CompletionResultType]::ParameterName, 'Only where there are that many now; -1 is any number')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only say what would be scaled: as it is known here, or as the server answers')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'name: print TYPE/NAME alone')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'name: print TYPE/NAME alone')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-R', '-R ', [CompletionResultType]::ParameterName, 'Directories with all directories below them')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Directories with all directories below them')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'All of the type')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'In all namespaces')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'In all namespaces')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'k8sm;label' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'A file or directory of JSON or YAML, several documents allowed; - is stdin')
            [CompletionResult]::new('--filename', '--filename', [CompletionResultType]::ParameterName, 'A file or directory of JSON or YAML, several documents allowed; - is stdin')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Those with these labels: a=b,c!=d,e in (f,g)')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Those with these labels: a=b,c!=d,e in (f,g)')
            [CompletionResult]::new('--field-selector', '--field-selector', [CompletionResultType]::ParameterName, 'Those with these fields: status.phase=Failed')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The context of the kubeconfig [default: the current one, or that of --name]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only say what would change: as it is known here, or as the server answers')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'json, yaml, name or jsonpath=TEMPLATE, of what the objects are then')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'json, yaml, name or jsonpath=TEMPLATE, of what the objects are then')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-R', '-R ', [CompletionResultType]::ParameterName, 'Directories with all directories below them')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Directories with all directories below them')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'All of the type')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'In all namespaces')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'In all namespaces')
            [CompletionResult]::new('--overwrite', '--overwrite', [CompletionResultType]::ParameterName, 'Keys that have another value already get this one')
            [CompletionResult]::new('--list', '--list', [CompletionResultType]::ParameterName, 'Show those that the objects have, and change nothing')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'k8sm;annotate' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'A file or directory of JSON or YAML, several documents allowed; - is stdin')
            [CompletionResult]::new('--filename', '--filename', [CompletionResultType]::ParameterName, 'A file or directory of JSON or YAML, several documents allowed; - is stdin')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Those with these labels: a=b,c!=d,e in (f,g)')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Those with these labels: a=b,c!=d,e in (f,g)')
            [CompletionResult]::new('--field-selector', '--field-selector', [CompletionResultType]::ParameterName, 'Those with these fields: status.phase=Failed')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The context of the kubeconfig [default: the current one, or that of --name]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only say what would change: as it is known here, or as the server answers')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'json, yaml, name or jsonpath=TEMPLATE, of what the objects are then')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'json, yaml, name or jsonpath=TEMPLATE, of what the objects are then')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-R', '-R ', [CompletionResultType]::ParameterName, 'Directories with all directories below them')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Directories with all directories below them')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'All of the type')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'In all namespaces')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'In all namespaces')
            [CompletionResult]::new('--overwrite', '--overwrite', [CompletionResultType]::ParameterName, 'Keys that have another value already get this one')
            [CompletionResult]::new('--list', '--list', [CompletionResultType]::ParameterName, 'Show those that the objects have, and change nothing')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'k8sm;logs' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The context of the kubeconfig [default: the current one, or that of --name]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Of all pods with these labels, the last 10 lines of each unless --tail says other')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Of all pods with these labels, the last 10 lines of each unless --tail says other')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The container [default: the first]')
            [CompletionResult]::new('--container', '--container', [CompletionResultType]::ParameterName, 'The container [default: the first]')
            [CompletionResult]::new('--all-containers', '--all-containers', [CompletionResultType]::ParameterName, 'All containers of the pod, one after another; with -f side by side')
            [CompletionResult]::new('--tail', '--tail', [CompletionResultType]::ParameterName, 'Only the last lines; -1 is all')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Only what is newer than a time, as 10s, 5m, 3h')
            [CompletionResult]::new('--since-time', '--since-time', [CompletionResultType]::ParameterName, 'Only what was written after a moment (RFC 3339)')
            [CompletionResult]::new('--timestamps', '--timestamps', [CompletionResultType]::ParameterName, 'With the time of each line')
            [CompletionResult]::new('--limit-bytes', '--limit-bytes', [CompletionResultType]::ParameterName, 'At most that many bytes')
            [CompletionResult]::new('--max-log-requests', '--max-log-requests', [CompletionResultType]::ParameterName, 'How many containers may be followed at a time')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Go on as it is written')
            [CompletionResult]::new('--follow', '--follow', [CompletionResultType]::ParameterName, 'Go on as it is written')
            [CompletionResult]::new('--prefix', '--prefix', [CompletionResultType]::ParameterName, 'Begin each line with [pod/NAME/CONTAINER]')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Of the container before its last restart')
            [CompletionResult]::new('--previous', '--previous', [CompletionResultType]::ParameterName, 'Of the container before its last restart')
            [CompletionResult]::new('--ignore-errors', '--ignore-errors', [CompletionResultType]::ParameterName, 'Go on where one container''s cannot be read')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'k8sm;wait' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'A file or directory of JSON or YAML, several documents allowed; - is stdin')
            [CompletionResult]::new('--filename', '--filename', [CompletionResultType]::ParameterName, 'A file or directory of JSON or YAML, several documents allowed; - is stdin')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Those with these labels: a=b,c!=d,e in (f,g)')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Those with these labels: a=b,c!=d,e in (f,g)')
            [CompletionResult]::new('--field-selector', '--field-selector', [CompletionResultType]::ParameterName, 'Those with these fields: status.phase=Failed')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace [default: the context''s]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The context of the kubeconfig [default: the current one, or that of --name]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The API server''s URL [default: the context''s]')
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'condition=NAME[=VALUE], jsonpath={PATH}[=VALUE], create or delete')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for each object, as 30s or 2m; 0 looks once')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-R', '-R ', [CompletionResultType]::ParameterName, 'Directories with all directories below them')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Directories with all directories below them')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'All of the type')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'In all namespaces')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'In all namespaces')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'k8sm;completions' {
            [CompletionResult]::new('--directory', '--directory', [CompletionResultType]::ParameterName, 'Write the file that the shell looks for into this directory instead')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'k8sm;completion' {
            [CompletionResult]::new('--directory', '--directory', [CompletionResultType]::ParameterName, 'Write the file that the shell looks for into this directory instead')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The cluster that is meant [default: k8sm]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the whole chain of an error, each step of a plan')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'k8sm;help' {
            [CompletionResult]::new('up', 'up', [CompletionResultType]::ParameterValue, 'Bring up a cluster, or complete one')
            [CompletionResult]::new('down', 'down', [CompletionResultType]::ParameterValue, 'Remove a cluster with all that belongs to it, and restore the kubeconfig')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show each component of a cluster: health, addresses, memory (proportional set size)')
            [CompletionResult]::new('stop', 'stop', [CompletionResultType]::ParameterValue, 'Stop a cluster, keeping its objects, keys and addresses')
            [CompletionResult]::new('start', 'start', [CompletionResultType]::ParameterValue, 'Start a stopped cluster, and wait until it serves')
            [CompletionResult]::new('cluster', 'cluster', [CompletionResultType]::ParameterValue, 'Logs, topology and list of clusters')
            [CompletionResult]::new('addons', 'addons', [CompletionResultType]::ParameterValue, 'Deploy what runs on the cluster itself')
            [CompletionResult]::new('clusters', 'clusters', [CompletionResultType]::ParameterValue, 'List the clusters of this Docker engine')
            [CompletionResult]::new('kubeconfig', 'kubeconfig', [CompletionResultType]::ParameterValue, 'Print a kubeconfig for a cluster, or merge it into yours')
            [CompletionResult]::new('health-check', 'health-check', [CompletionResultType]::ParameterValue, 'Ask a URL once: exit code 0 when it answers 200, 7 when nobody answers, else 1')
            [CompletionResult]::new('await-health-check', 'await-health-check', [CompletionResultType]::ParameterValue, 'Ask a URL until it answers 200')
            [CompletionResult]::new('await-file', 'await-file', [CompletionResultType]::ParameterValue, 'Wait until a file is there')
            [CompletionResult]::new('exec', 'exec', [CompletionResultType]::ParameterValue, 'Run a command in a container of a pod')
            [CompletionResult]::new('attach', 'attach', [CompletionResultType]::ParameterValue, 'Attach to the process that a pod''s container runs')
            [CompletionResult]::new('port-forward', 'port-forward', [CompletionResultType]::ParameterValue, 'Forward ports of this machine to a pod, or to a pod behind a service, until interrupted')
            [CompletionResult]::new('get', 'get', [CompletionResultType]::ParameterValue, 'Show objects')
            [CompletionResult]::new('describe', 'describe', [CompletionResultType]::ParameterValue, 'Show everything about objects, with their events')
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Create objects: from manifests, or a namespace, config map, secret or service account by its name')
            [CompletionResult]::new('apply', 'apply', [CompletionResultType]::ParameterValue, 'Create or change objects to be as manifests say')
            [CompletionResult]::new('delete', 'delete', [CompletionResultType]::ParameterValue, 'Delete objects')
            [CompletionResult]::new('scale', 'scale', [CompletionResultType]::ParameterValue, 'Set how many replicas controllers have')
            [CompletionResult]::new('label', 'label', [CompletionResultType]::ParameterValue, 'Set labels of objects, and take them away')
            [CompletionResult]::new('annotate', 'annotate', [CompletionResultType]::ParameterValue, 'Set annotations of objects, and take them away')
            [CompletionResult]::new('logs', 'logs', [CompletionResultType]::ParameterValue, 'Show what containers wrote')
            [CompletionResult]::new('wait', 'wait', [CompletionResultType]::ParameterValue, 'Wait until objects are as a condition says')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a shell''s completions of this command')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'k8sm;help;up' {
            break
        }
        'k8sm;help;down' {
            break
        }
        'k8sm;help;status' {
            break
        }
        'k8sm;help;stop' {
            break
        }
        'k8sm;help;start' {
            break
        }
        'k8sm;help;cluster' {
            [CompletionResult]::new('logs', 'logs', [CompletionResultType]::ParameterValue, 'Print what the components of a cluster logged')
            [CompletionResult]::new('compose', 'compose', [CompletionResultType]::ParameterValue, 'Print the compose file that a cluster is made from, with every placeholder resolved')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the clusters of this Docker engine')
            break
        }
        'k8sm;help;cluster;logs' {
            break
        }
        'k8sm;help;cluster;compose' {
            break
        }
        'k8sm;help;cluster;list' {
            break
        }
        'k8sm;help;addons' {
            [CompletionResult]::new('dns', 'dns', [CompletionResultType]::ParameterValue, 'Deploy the cluster''s DNS, and wait until its pods are ready')
            break
        }
        'k8sm;help;addons;dns' {
            break
        }
        'k8sm;help;clusters' {
            break
        }
        'k8sm;help;kubeconfig' {
            break
        }
        'k8sm;help;health-check' {
            break
        }
        'k8sm;help;await-health-check' {
            break
        }
        'k8sm;help;await-file' {
            break
        }
        'k8sm;help;exec' {
            break
        }
        'k8sm;help;attach' {
            break
        }
        'k8sm;help;port-forward' {
            break
        }
        'k8sm;help;get' {
            break
        }
        'k8sm;help;describe' {
            break
        }
        'k8sm;help;create' {
            [CompletionResult]::new('namespace', 'namespace', [CompletionResultType]::ParameterValue, 'Create a namespace')
            [CompletionResult]::new('configmap', 'configmap', [CompletionResultType]::ParameterValue, 'Create a config map out of values and files')
            [CompletionResult]::new('secret', 'secret', [CompletionResultType]::ParameterValue, 'Create a secret')
            [CompletionResult]::new('serviceaccount', 'serviceaccount', [CompletionResultType]::ParameterValue, 'Create a service account')
            break
        }
        'k8sm;help;create;namespace' {
            break
        }
        'k8sm;help;create;configmap' {
            break
        }
        'k8sm;help;create;secret' {
            [CompletionResult]::new('generic', 'generic', [CompletionResultType]::ParameterValue, 'Create a secret out of values and files')
            break
        }
        'k8sm;help;create;secret;generic' {
            break
        }
        'k8sm;help;create;serviceaccount' {
            break
        }
        'k8sm;help;apply' {
            break
        }
        'k8sm;help;delete' {
            break
        }
        'k8sm;help;scale' {
            break
        }
        'k8sm;help;label' {
            break
        }
        'k8sm;help;annotate' {
            break
        }
        'k8sm;help;logs' {
            break
        }
        'k8sm;help;wait' {
            break
        }
        'k8sm;help;completions' {
            break
        }
        'k8sm;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
