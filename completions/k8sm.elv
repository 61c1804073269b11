
use builtin;
use str;

set edit:completion:arg-completer[k8sm] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'k8sm'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'k8sm'= {
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
            cand up 'Bring up a cluster, or complete one'
            cand down 'Remove a cluster with all that belongs to it, and restore the kubeconfig'
            cand status 'Show each component of a cluster: health, addresses, memory (proportional set size)'
            cand stop 'Stop a cluster, keeping its objects, keys and addresses'
            cand start 'Start a stopped cluster, and wait until it serves'
            cand cluster 'Logs, topology and list of clusters'
            cand addons 'Deploy what runs on the cluster itself'
            cand clusters 'List the clusters of this Docker engine'
            cand list 'List the clusters of this Docker engine'
            cand kubeconfig 'Print a kubeconfig for a cluster, or merge it into yours'
            cand health-check 'Ask a URL once: exit code 0 when it answers 200, 7 when nobody answers, else 1'
            cand await-health-check 'Ask a URL until it answers 200'
            cand await-file 'Wait until a file is there'
            cand exec 'Run a command in a container of a pod'
            cand attach 'Attach to the process that a pod''s container runs'
            cand port-forward 'Forward ports of this machine to a pod, or to a pod behind a service, until interrupted'
            cand get 'Show objects'
            cand describe 'Show everything about objects, with their events'
            cand create 'Create objects: from manifests, or a namespace, config map, secret or service account by its name'
            cand apply 'Create or change objects to be as manifests say'
            cand delete 'Delete objects'
            cand scale 'Set how many replicas controllers have'
            cand label 'Set labels of objects, and take them away'
            cand annotate 'Set annotations of objects, and take them away'
            cand logs 'Show what containers wrote'
            cand wait 'Wait until objects are as a condition says'
            cand completions 'Print a shell''s completions of this command'
            cand completion 'Print a shell''s completions of this command'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'k8sm;up'= {
            cand --slaves 'How many Mesos slaves, which are the nodes [default: 2, or as many as there are]'
            cand --file 'The compose file of the topology [default: built in]'
            cand --timeout 'How long to wait until everything is ready'
            cand --etcd-image 'The image of etcd [default: made from this machine''s etcd, or the compose file''s, pulled]'
            cand --publish 'Serve a node port on 127.0.0.1; may be given several times'
            cand --service-cidr 'The range of service addresses [default: 10.10.10.0/24]'
            cand --api-port 'The API server''s port on 127.0.0.1 [default: 6443, or the next free one]'
            cand --insecure-port 'The API server''s plain port on 127.0.0.1 [default: 8888, or the next free one]'
            cand --mesos-port 'The Mesos master''s port on 127.0.0.1; 0 publishes none [default: 5050, or the next free one]'
            cand -o 'The form of the dry run''s plan'
            cand --output 'The form of the dry run''s plan'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand --keep 'Keep what was made when it fails'
            cand --dry-run 'Print what would be done, and do nothing'
            cand --recreate 'Replace components that another build or another file made'
            cand --no-dns 'Leave the cluster''s DNS out'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'k8sm;down'= {
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'k8sm;status'= {
            cand -o 'The form of the output'
            cand --output 'The form of the output'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand --exit-code 'End with 1 where a component is not healthy'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'k8sm;stop'= {
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'k8sm;start'= {
            cand --timeout 'How long to wait until everything is ready'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'k8sm;cluster'= {
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help'
            cand --help 'Print help'
            cand logs 'Print what the components of a cluster logged'
            cand compose 'Print the compose file that a cluster is made from, with every placeholder resolved'
            cand list 'List the clusters of this Docker engine'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'k8sm;cluster;logs'= {
            cand --tail 'How many of the last lines of each'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -f 'Go on with what they log from now on'
            cand --follow 'Go on with what they log from now on'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'k8sm;cluster;compose'= {
            cand --file 'The compose file of the topology [default: built in]'
            cand --slaves 'How many Mesos slaves [default: 2, or as many as there are]'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand --template 'Print the built-in file with its placeholders instead, which `k8sm up --file` takes'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'k8sm;cluster;list'= {
            cand -o 'The form of the output'
            cand --output 'The form of the output'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'k8sm;cluster;help'= {
            cand logs 'Print what the components of a cluster logged'
            cand compose 'Print the compose file that a cluster is made from, with every placeholder resolved'
            cand list 'List the clusters of this Docker engine'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'k8sm;cluster;help;logs'= {
        }
        &'k8sm;cluster;help;compose'= {
        }
        &'k8sm;cluster;help;list'= {
        }
        &'k8sm;cluster;help;help'= {
        }
        &'k8sm;addons'= {
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help'
            cand --help 'Print help'
            cand dns 'Deploy the cluster''s DNS, and wait until its pods are ready'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'k8sm;addons;dns'= {
            cand --replicas 'How many pods answer'
            cand --domain 'The domain of services and pods'
            cand --server-ip 'The address of the DNS service [default: the tenth of the service range]'
            cand --flavor 'How many containers a pod of it has'
            cand --timeout 'How long to wait until it is ready'
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand --render 'Print the manifests, and deploy nothing'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'k8sm;addons;help'= {
            cand dns 'Deploy the cluster''s DNS, and wait until its pods are ready'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'k8sm;addons;help;dns'= {
        }
        &'k8sm;addons;help;help'= {
        }
        &'k8sm;clusters'= {
            cand -o 'The form of the output'
            cand --output 'The form of the output'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'k8sm;list'= {
            cand -o 'The form of the output'
            cand --output 'The form of the output'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'k8sm;kubeconfig'= {
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand --merge 'Merge it into the kubeconfig instead of printing it'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'k8sm;health-check'= {
            cand --ca-file 'The certificate authority of an https URL'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'k8sm;await-health-check'= {
            cand -t 'How long to wait'
            cand --timeout 'How long to wait'
            cand --ca-file 'The certificate authority of an https URL'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'k8sm;await-file'= {
            cand -t 'How long to wait'
            cand --timeout 'How long to wait'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'k8sm;exec'= {
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand -c 'The container [default: the first]'
            cand --container 'The container [default: the first]'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -i 'Pass stdin on to the command'
            cand --stdin 'Pass stdin on to the command'
            cand -t 'Give it a terminal'
            cand --tty 'Give it a terminal'
            cand -q 'Say nothing but what the command says'
            cand --quiet 'Say nothing but what the command says'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'k8sm;attach'= {
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand -c 'The container [default: the first]'
            cand --container 'The container [default: the first]'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -i 'Pass stdin on to the process'
            cand --stdin 'Pass stdin on to the process'
            cand -t 'Hand the terminal over, where the container has one'
            cand --tty 'Hand the terminal over, where the container has one'
            cand -q 'Say nothing but what the process says'
            cand --quiet 'Say nothing but what the process says'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'k8sm;port-forward'= {
            cand --address 'Where this machine listens: addresses, or localhost'
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'k8sm;get'= {
            cand -f 'A file or directory of JSON or YAML, several documents allowed; - is stdin'
            cand --filename 'A file or directory of JSON or YAML, several documents allowed; - is stdin'
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand -l 'Only objects with these labels: a=b,c!=d,e in (f,g)'
            cand --selector 'Only objects with these labels: a=b,c!=d,e in (f,g)'
            cand --field-selector 'Only objects with these fields: status.phase=Running'
            cand -o 'wide, json, yaml, name, jsonpath=TEMPLATE or custom-columns=HEADING:PATH,…'
            cand --output 'wide, json, yaml, name, jsonpath=TEMPLATE or custom-columns=HEADING:PATH,…'
            cand --sort-by 'In the order of a field, as .metadata.creationTimestamp'
            cand -L 'Show these labels, each in a column'
            cand --label-columns 'Show these labels, each in a column'
            cand --show-managed-fields 'In JSON and YAML, show too who wrote which fields'
            cand --raw 'What the server answers at a path, as it is: /readyz, /metrics, /api/v1/nodes'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -R 'Directories with all directories below them'
            cand --recursive 'Directories with all directories below them'
            cand -A 'In all namespaces'
            cand --all-namespaces 'In all namespaces'
            cand -w 'Go on showing objects as they change'
            cand --watch 'Go on showing objects as they change'
            cand --watch-only 'Show changes alone, not what is there already'
            cand --no-headers 'Leave the headings out'
            cand --show-labels 'Show all labels in a last column'
            cand --ignore-not-found 'No error for a name that is not there'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'k8sm;describe'= {
            cand -f 'A file or directory of JSON or YAML, several documents allowed; - is stdin'
            cand --filename 'A file or directory of JSON or YAML, several documents allowed; - is stdin'
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand -l 'Only objects with these labels'
            cand --selector 'Only objects with these labels'
            cand --show-events 'With the events about them'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -R 'Directories with all directories below them'
            cand --recursive 'Directories with all directories below them'
            cand -A 'In all namespaces'
            cand --all-namespaces 'In all namespaces'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'k8sm;create'= {
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand --validate 'What to do about fields that a kind does not have'
            cand --dry-run 'Only check, and create nothing: here, or at the server'
            cand -o 'json, yaml, name or jsonpath=TEMPLATE, of what was created'
            cand --output 'json, yaml, name or jsonpath=TEMPLATE, of what was created'
            cand -f 'A file or directory of JSON or YAML, several documents allowed; - is stdin'
            cand --filename 'A file or directory of JSON or YAML, several documents allowed; - is stdin'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -R 'Directories with all directories below them'
            cand --recursive 'Directories with all directories below them'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand namespace 'Create a namespace'
            cand ns 'Create a namespace'
            cand configmap 'Create a config map out of values and files'
            cand cm 'Create a config map out of values and files'
            cand secret 'Create a secret'
            cand serviceaccount 'Create a service account'
            cand sa 'Create a service account'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'k8sm;create;namespace'= {
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand --validate 'What to do about fields that a kind does not have'
            cand --dry-run 'Only check, and create nothing: here, or at the server'
            cand -o 'json, yaml, name or jsonpath=TEMPLATE, of what was created'
            cand --output 'json, yaml, name or jsonpath=TEMPLATE, of what was created'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'k8sm;create;ns'= {
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand --validate 'What to do about fields that a kind does not have'
            cand --dry-run 'Only check, and create nothing: here, or at the server'
            cand -o 'json, yaml, name or jsonpath=TEMPLATE, of what was created'
            cand --output 'json, yaml, name or jsonpath=TEMPLATE, of what was created'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'k8sm;create;configmap'= {
            cand --from-literal 'A key and its value; several times'
            cand --from-file 'A file, whose name is the key where none is said, or a directory for all files in it; several times'
            cand --from-env-file 'A file of lines KEY=VALUE; KEY alone has the value of this environment'
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand --validate 'What to do about fields that a kind does not have'
            cand --dry-run 'Only check, and create nothing: here, or at the server'
            cand -o 'json, yaml, name or jsonpath=TEMPLATE, of what was created'
            cand --output 'json, yaml, name or jsonpath=TEMPLATE, of what was created'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'k8sm;create;cm'= {
            cand --from-literal 'A key and its value; several times'
            cand --from-file 'A file, whose name is the key where none is said, or a directory for all files in it; several times'
            cand --from-env-file 'A file of lines KEY=VALUE; KEY alone has the value of this environment'
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand --validate 'What to do about fields that a kind does not have'
            cand --dry-run 'Only check, and create nothing: here, or at the server'
            cand -o 'json, yaml, name or jsonpath=TEMPLATE, of what was created'
            cand --output 'json, yaml, name or jsonpath=TEMPLATE, of what was created'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'k8sm;create;secret'= {
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand --validate 'What to do about fields that a kind does not have'
            cand --dry-run 'Only check, and create nothing: here, or at the server'
            cand -o 'json, yaml, name or jsonpath=TEMPLATE, of what was created'
            cand --output 'json, yaml, name or jsonpath=TEMPLATE, of what was created'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand generic 'Create a secret out of values and files'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'k8sm;create;secret;generic'= {
            cand --from-literal 'A key and its value; several times'
            cand --from-file 'A file, whose name is the key where none is said, or a directory for all files in it; several times'
            cand --from-env-file 'A file of lines KEY=VALUE; KEY alone has the value of this environment'
            cand --type 'The type of secret [default: Opaque]'
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand --validate 'What to do about fields that a kind does not have'
            cand --dry-run 'Only check, and create nothing: here, or at the server'
            cand -o 'json, yaml, name or jsonpath=TEMPLATE, of what was created'
            cand --output 'json, yaml, name or jsonpath=TEMPLATE, of what was created'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'k8sm;create;secret;help'= {
            cand generic 'Create a secret out of values and files'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'k8sm;create;secret;help;generic'= {
        }
        &'k8sm;create;secret;help;help'= {
        }
        &'k8sm;create;serviceaccount'= {
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand --validate 'What to do about fields that a kind does not have'
            cand --dry-run 'Only check, and create nothing: here, or at the server'
            cand -o 'json, yaml, name or jsonpath=TEMPLATE, of what was created'
            cand --output 'json, yaml, name or jsonpath=TEMPLATE, of what was created'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'k8sm;create;sa'= {
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand --validate 'What to do about fields that a kind does not have'
            cand --dry-run 'Only check, and create nothing: here, or at the server'
            cand -o 'json, yaml, name or jsonpath=TEMPLATE, of what was created'
            cand --output 'json, yaml, name or jsonpath=TEMPLATE, of what was created'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'k8sm;create;help'= {
            cand namespace 'Create a namespace'
            cand configmap 'Create a config map out of values and files'
            cand secret 'Create a secret'
            cand serviceaccount 'Create a service account'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'k8sm;create;help;namespace'= {
        }
        &'k8sm;create;help;configmap'= {
        }
        &'k8sm;create;help;secret'= {
            cand generic 'Create a secret out of values and files'
        }
        &'k8sm;create;help;secret;generic'= {
        }
        &'k8sm;create;help;serviceaccount'= {
        }
        &'k8sm;create;help;help'= {
        }
        &'k8sm;apply'= {
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand --validate 'What to do about fields that a kind does not have'
            cand --dry-run 'Only say what would change: as it is known here, or as the server answers'
            cand -o 'json, yaml, name or jsonpath=TEMPLATE, of what the objects are then'
            cand --output 'json, yaml, name or jsonpath=TEMPLATE, of what the objects are then'
            cand -f 'A file or directory of JSON or YAML, several documents allowed; - is stdin'
            cand --filename 'A file or directory of JSON or YAML, several documents allowed; - is stdin'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -R 'Directories with all directories below them'
            cand --recursive 'Directories with all directories below them'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'k8sm;delete'= {
            cand -f 'A file or directory of JSON or YAML, several documents allowed; - is stdin'
            cand --filename 'A file or directory of JSON or YAML, several documents allowed; - is stdin'
            cand -l 'Those with these labels: a=b,c!=d,e in (f,g)'
            cand --selector 'Those with these labels: a=b,c!=d,e in (f,g)'
            cand --field-selector 'Those with these fields: status.phase=Failed'
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand --grace-period 'How long an object may take to end in good order, in seconds; 0 only with --force, else 1 [default: as it says itself]'
            cand --cascade 'background, foreground or orphan: what becomes of what belongs to an object'
            cand --wait 'Wait until the objects are gone'
            cand --timeout 'How long to wait, as 30s or 2m; 0 is for ever'
            cand --dry-run 'Only say what would be deleted: as it is known here, or as the server answers'
            cand -o 'name: print TYPE/NAME alone'
            cand --output 'name: print TYPE/NAME alone'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -R 'Directories with all directories below them'
            cand --recursive 'Directories with all directories below them'
            cand --all 'All of the type'
            cand -A 'In all namespaces'
            cand --all-namespaces 'In all namespaces'
            cand --now 'At once: a grace period of 1 second'
            cand --force 'Do not wait for the node: a grace period of 0'
            cand --ignore-not-found 'No error for an object that is not there'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'k8sm;scale'= {
            cand -f 'A file or directory of JSON or YAML, several documents allowed; - is stdin'
            cand --filename 'A file or directory of JSON or YAML, several documents allowed; - is stdin'
            cand -l 'Those with these labels: a=b,c!=d,e in (f,g)'
            cand --selector 'Those with these labels: a=b,c!=d,e in (f,g)'
            cand --field-selector 'Those with these fields: status.phase=Failed'
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand --replicas 'How many there shall be'
            cand --current-replicas 'Only where there are that many now; -1 is any number'
            cand --dry-run 'Only say what would be scaled: as it is known here, or as the server answers'
            cand -o 'name: print TYPE/NAME alone'
            cand --output 'name: print TYPE/NAME alone'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -R 'Directories with all directories below them'
            cand --recursive 'Directories with all directories below them'
            cand --all 'All of the type'
            cand -A 'In all namespaces'
            cand --all-namespaces 'In all namespaces'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'k8sm;label'= {
            cand -f 'A file or directory of JSON or YAML, several documents allowed; - is stdin'
            cand --filename 'A file or directory of JSON or YAML, several documents allowed; - is stdin'
            cand -l 'Those with these labels: a=b,c!=d,e in (f,g)'
            cand --selector 'Those with these labels: a=b,c!=d,e in (f,g)'
            cand --field-selector 'Those with these fields: status.phase=Failed'
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand --dry-run 'Only say what would change: as it is known here, or as the server answers'
            cand -o 'json, yaml, name or jsonpath=TEMPLATE, of what the objects are then'
            cand --output 'json, yaml, name or jsonpath=TEMPLATE, of what the objects are then'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -R 'Directories with all directories below them'
            cand --recursive 'Directories with all directories below them'
            cand --all 'All of the type'
            cand -A 'In all namespaces'
            cand --all-namespaces 'In all namespaces'
            cand --overwrite 'Keys that have another value already get this one'
            cand --list 'Show those that the objects have, and change nothing'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'k8sm;annotate'= {
            cand -f 'A file or directory of JSON or YAML, several documents allowed; - is stdin'
            cand --filename 'A file or directory of JSON or YAML, several documents allowed; - is stdin'
            cand -l 'Those with these labels: a=b,c!=d,e in (f,g)'
            cand --selector 'Those with these labels: a=b,c!=d,e in (f,g)'
            cand --field-selector 'Those with these fields: status.phase=Failed'
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand --dry-run 'Only say what would change: as it is known here, or as the server answers'
            cand -o 'json, yaml, name or jsonpath=TEMPLATE, of what the objects are then'
            cand --output 'json, yaml, name or jsonpath=TEMPLATE, of what the objects are then'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -R 'Directories with all directories below them'
            cand --recursive 'Directories with all directories below them'
            cand --all 'All of the type'
            cand -A 'In all namespaces'
            cand --all-namespaces 'In all namespaces'
            cand --overwrite 'Keys that have another value already get this one'
            cand --list 'Show those that the objects have, and change nothing'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'k8sm;logs'= {
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand -l 'Of all pods with these labels, the last 10 lines of each unless --tail says other'
            cand --selector 'Of all pods with these labels, the last 10 lines of each unless --tail says other'
            cand -c 'The container [default: the first]'
            cand --container 'The container [default: the first]'
            cand --all-containers 'All containers of the pod, one after another; with -f side by side'
            cand --tail 'Only the last lines; -1 is all'
            cand --since 'Only what is newer than a time, as 10s, 5m, 3h'
            cand --since-time 'Only what was written after a moment (RFC 3339)'
            cand --timestamps 'With the time of each line'
            cand --limit-bytes 'At most that many bytes'
            cand --max-log-requests 'How many containers may be followed at a time'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -f 'Go on as it is written'
            cand --follow 'Go on as it is written'
            cand --prefix 'Begin each line with [pod/NAME/CONTAINER]'
            cand -p 'Of the container before its last restart'
            cand --previous 'Of the container before its last restart'
            cand --ignore-errors 'Go on where one container''s cannot be read'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'k8sm;wait'= {
            cand -f 'A file or directory of JSON or YAML, several documents allowed; - is stdin'
            cand --filename 'A file or directory of JSON or YAML, several documents allowed; - is stdin'
            cand -l 'Those with these labels: a=b,c!=d,e in (f,g)'
            cand --selector 'Those with these labels: a=b,c!=d,e in (f,g)'
            cand --field-selector 'Those with these fields: status.phase=Failed'
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand --for 'condition=NAME[=VALUE], jsonpath={PATH}[=VALUE], create or delete'
            cand --timeout 'How long to wait for each object, as 30s or 2m; 0 looks once'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -R 'Directories with all directories below them'
            cand --recursive 'Directories with all directories below them'
            cand --all 'All of the type'
            cand -A 'In all namespaces'
            cand --all-namespaces 'In all namespaces'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'k8sm;completions'= {
            cand --directory 'Write the file that the shell looks for into this directory instead'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'k8sm;completion'= {
            cand --directory 'Write the file that the shell looks for into this directory instead'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'k8sm;help'= {
            cand up 'Bring up a cluster, or complete one'
            cand down 'Remove a cluster with all that belongs to it, and restore the kubeconfig'
            cand status 'Show each component of a cluster: health, addresses, memory (proportional set size)'
            cand stop 'Stop a cluster, keeping its objects, keys and addresses'
            cand start 'Start a stopped cluster, and wait until it serves'
            cand cluster 'Logs, topology and list of clusters'
            cand addons 'Deploy what runs on the cluster itself'
            cand clusters 'List the clusters of this Docker engine'
            cand kubeconfig 'Print a kubeconfig for a cluster, or merge it into yours'
            cand health-check 'Ask a URL once: exit code 0 when it answers 200, 7 when nobody answers, else 1'
            cand await-health-check 'Ask a URL until it answers 200'
            cand await-file 'Wait until a file is there'
            cand exec 'Run a command in a container of a pod'
            cand attach 'Attach to the process that a pod''s container runs'
            cand port-forward 'Forward ports of this machine to a pod, or to a pod behind a service, until interrupted'
            cand get 'Show objects'
            cand describe 'Show everything about objects, with their events'
            cand create 'Create objects: from manifests, or a namespace, config map, secret or service account by its name'
            cand apply 'Create or change objects to be as manifests say'
            cand delete 'Delete objects'
            cand scale 'Set how many replicas controllers have'
            cand label 'Set labels of objects, and take them away'
            cand annotate 'Set annotations of objects, and take them away'
            cand logs 'Show what containers wrote'
            cand wait 'Wait until objects are as a condition says'
            cand completions 'Print a shell''s completions of this command'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'k8sm;help;up'= {
        }
        &'k8sm;help;down'= {
        }
        &'k8sm;help;status'= {
        }
        &'k8sm;help;stop'= {
        }
        &'k8sm;help;start'= {
        }
        &'k8sm;help;cluster'= {
            cand logs 'Print what the components of a cluster logged'
            cand compose 'Print the compose file that a cluster is made from, with every placeholder resolved'
            cand list 'List the clusters of this Docker engine'
        }
        &'k8sm;help;cluster;logs'= {
        }
        &'k8sm;help;cluster;compose'= {
        }
        &'k8sm;help;cluster;list'= {
        }
        &'k8sm;help;addons'= {
            cand dns 'Deploy the cluster''s DNS, and wait until its pods are ready'
        }
        &'k8sm;help;addons;dns'= {
        }
        &'k8sm;help;clusters'= {
        }
        &'k8sm;help;kubeconfig'= {
        }
        &'k8sm;help;health-check'= {
        }
        &'k8sm;help;await-health-check'= {
        }
        &'k8sm;help;await-file'= {
        }
        &'k8sm;help;exec'= {
        }
        &'k8sm;help;attach'= {
        }
        &'k8sm;help;port-forward'= {
        }
        &'k8sm;help;get'= {
        }
        &'k8sm;help;describe'= {
        }
        &'k8sm;help;create'= {
            cand namespace 'Create a namespace'
            cand configmap 'Create a config map out of values and files'
            cand secret 'Create a secret'
            cand serviceaccount 'Create a service account'
        }
        &'k8sm;help;create;namespace'= {
        }
        &'k8sm;help;create;configmap'= {
        }
        &'k8sm;help;create;secret'= {
            cand generic 'Create a secret out of values and files'
        }
        &'k8sm;help;create;secret;generic'= {
        }
        &'k8sm;help;create;serviceaccount'= {
        }
        &'k8sm;help;apply'= {
        }
        &'k8sm;help;delete'= {
        }
        &'k8sm;help;scale'= {
        }
        &'k8sm;help;label'= {
        }
        &'k8sm;help;annotate'= {
        }
        &'k8sm;help;logs'= {
        }
        &'k8sm;help;wait'= {
        }
        &'k8sm;help;completions'= {
        }
        &'k8sm;help;help'= {
        }
    ]
    $completions[$command]
}
