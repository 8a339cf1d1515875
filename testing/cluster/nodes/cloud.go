package nodes

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// volumesFolder is where the volumes of a real node are; only the node sees it.
const volumesFolder = "/var/lib/volumes"

// CloudCommand is the component `cloud`: what a real node's cloud would bring. Volumes are folders of the node, load
// balancers are at its address, and names are answered there too.
func CloudCommand() *cobra.Command {
	var config, address, dns string
	command := &cobra.Command{
		Use:          "cloud",
		SilenceUsage: true,
		Args:         cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
			defer cancel()
			return runCloud(ctx, config, address, dns)
		},
	}
	command.Flags().StringVar(&config, "kubeconfig", "", "how to reach the API server")
	command.Flags().StringVar(&address, "address", "", "the node's address")
	command.Flags().StringVar(&dns, "dns", "", "the address at which pods ask for names")
	return command
}

func runCloud(ctx context.Context, path, address, dns string) error {
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return fmt.Errorf("the kubeconfig %s: %w", path, err)
	}
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	if err := registerCloud(ctx, client, address, dns); err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTransform(withoutManagers))
	volumes, balancers := newVolumes(client, factory), newBalancers(client, factory)
	volumes.source, balancers.address = folder, func(string) string { return address }
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	go volumes.run(ctx)
	balancers.run(ctx)
	<-ctx.Done()
	return nil
}

// registerCloud makes the storage class, and the Service that pods ask for names.
func registerCloud(ctx context.Context, client kubernetes.Interface, address, dns string) error {
	ports := []corev1.ServicePort{{Name: "dns", Protocol: corev1.ProtocolUDP, Port: 53}, {Name: "dns-tcp", Protocol: corev1.ProtocolTCP, Port: 53}}
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "kube-dns", Labels: map[string]string{"k8s-app": "kube-dns"}},
		Spec:       corev1.ServiceSpec{ClusterIP: dns, Ports: ports},
	}
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Name: "kube-dns", Labels: map[string]string{
			discoveryv1.LabelServiceName: "kube-dns", discoveryv1.LabelManagedBy: "windlass.test",
		}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{address}}},
	}
	for _, port := range ports {
		slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{Name: &port.Name, Protocol: &port.Protocol, Port: &port.Port})
	}
	for _, create := range []func() error{
		func() error {
			_, err := client.StorageV1().StorageClasses().Create(ctx, storageClass(), metav1.CreateOptions{})
			return err
		},
		func() error {
			_, err := client.CoreV1().Services(metav1.NamespaceSystem).Create(ctx, service, metav1.CreateOptions{})
			return err
		},
		func() error {
			_, err := client.DiscoveryV1().EndpointSlices(metav1.NamespaceSystem).Create(ctx, slice, metav1.CreateOptions{})
			return err
		},
	} {
		if err := persist(ctx, create); err != nil {
			return fmt.Errorf("cannot register what the cloud has: %w", err)
		}
	}
	return nil
}

// folder is a volume that every user may write to: which one a pod runs as, nobody says before it is there.
func folder(name string) (corev1.PersistentVolumeSource, error) {
	path := filepath.Join(volumesFolder, name)
	if err := os.MkdirAll(path, 0o777); err != nil {
		return corev1.PersistentVolumeSource{}, err
	}
	// Whatever the umask is.
	if err := os.Chmod(path, 0o777); err != nil {
		return corev1.PersistentVolumeSource{}, err
	}
	return corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: path}}, nil
}
