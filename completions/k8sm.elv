
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
            cand get 'Show objects'
            cand describe 'Show everything about objects, with their events'
            cand create 'Create objects from manifests'
            cand delete 'Delete objects'
            cand scale 'Set how many replicas a controller has'
            cand logs 'Show what a pod''s container wrote'
            cand completions 'Print a shell''s completions of this command'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'k8sm;get'= {
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand -l 'Only objects with these labels: a=b,c!=d,e in (f,g)'
            cand --selector 'Only objects with these labels: a=b,c!=d,e in (f,g)'
            cand --field-selector 'Only objects with these fields: status.phase=Running'
            cand -o 'wide, json, yaml, name or jsonpath=TEMPLATE'
            cand --output 'wide, json, yaml, name or jsonpath=TEMPLATE'
            cand -L 'Show these labels, each in a column'
            cand --label-columns 'Show these labels, each in a column'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
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
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand -l 'Only objects with these labels'
            cand --selector 'Only objects with these labels'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -A 'In all namespaces'
            cand --all-namespaces 'In all namespaces'
            cand --no-events 'Leave the events out'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'k8sm;create'= {
            cand -f 'A file or directory of JSON or YAML, several documents allowed; - is stdin'
            cand --filename 'A file or directory of JSON or YAML, several documents allowed; - is stdin'
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
        &'k8sm;delete'= {
            cand -f 'The objects that these manifests name; - is stdin'
            cand --filename 'The objects that these manifests name; - is stdin'
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand -l 'Those with these labels'
            cand --selector 'Those with these labels'
            cand --grace-period 'How long an object may take to end in good order, in seconds [default: as it says itself]'
            cand --cascade 'background, foreground or orphan: what becomes of what belongs to an object'
            cand --wait 'Wait until the objects are gone'
            cand --timeout 'How long to wait, as 30s or 2m; 0 is for ever'
            cand -o 'name: print TYPE/NAME alone'
            cand --output 'name: print TYPE/NAME alone'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand --all 'All of the type'
            cand -A 'In all namespaces'
            cand --all-namespaces 'In all namespaces'
            cand --now 'At once: a grace period of 1 second'
            cand --force 'Do not wait for the node: a grace period of 0'
            cand --ignore-not-found 'No error for an object that is not there'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'k8sm;scale'= {
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand --replicas 'How many there shall be'
            cand --current-replicas 'Only where there are that many now'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand -v 'Say more: the whole chain of an error, each step of a plan'
            cand --verbose 'Say more: the whole chain of an error, each step of a plan'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'k8sm;logs'= {
            cand -n 'The namespace [default: the context''s]'
            cand --namespace 'The namespace [default: the context''s]'
            cand --context 'The context of the kubeconfig [default: the current one, or that of --name]'
            cand -s 'The API server''s URL [default: the context''s]'
            cand --server 'The API server''s URL [default: the context''s]'
            cand -c 'The container [default: the first]'
            cand --container 'The container [default: the first]'
            cand --tail 'Only the last lines; -1 is all'
            cand --since 'Only what is newer than a time, as 10s, 5m, 3h'
            cand --since-time 'Only what was written after a moment (RFC 3339)'
            cand --timestamps 'With the time of each line'
            cand --limit-bytes 'At most that many bytes'
            cand --name 'The cluster that is meant [default: k8sm]'
            cand --kubeconfig 'The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]'
            cand --all-containers 'All containers of the pod, one after another'
            cand -f 'Go on as it is written'
            cand --follow 'Go on as it is written'
            cand -p 'Of the container before its last restart'
            cand --previous 'Of the container before its last restart'
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
        &'k8sm;help'= {
            cand get 'Show objects'
            cand describe 'Show everything about objects, with their events'
            cand create 'Create objects from manifests'
            cand delete 'Delete objects'
            cand scale 'Set how many replicas a controller has'
            cand logs 'Show what a pod''s container wrote'
            cand completions 'Print a shell''s completions of this command'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'k8sm;help;get'= {
        }
        &'k8sm;help;describe'= {
        }
        &'k8sm;help;create'= {
        }
        &'k8sm;help;delete'= {
        }
        &'k8sm;help;scale'= {
        }
        &'k8sm;help;logs'= {
        }
        &'k8sm;help;completions'= {
        }
        &'k8sm;help;help'= {
        }
    ]
    $completions[$command]
}
