package nodes

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

const registerPause = 50 * time.Millisecond

// register makes the nodes and the storage class as soon as the API server answers, and returns each node's address by its
// name. All of it may be there already: this process is started again when it ends.
func register(ctx context.Context, client kubernetes.Interface, count int) (map[string]string, error) {
	hosts := map[string]string{}
	for number := 1; number <= count; number++ {
		name, address := fmt.Sprintf("node-%d", number), fmt.Sprintf("10.0.0.%d", number)
		hosts[name] = address
		err := persist(ctx, func() error {
			_, err := client.CoreV1().Nodes().Create(ctx, node(name, address), metav1.CreateOptions{})
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("cannot register %s: %w", name, err)
		}
	}
	err := persist(ctx, func() error {
		_, err := client.StorageV1().StorageClasses().Create(ctx, storageClass(), metav1.CreateOptions{})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot make the storage class: %w", err)
	}
	return hosts, nil
}

// persist tries until it works, or is done already, or the context ends.
func persist(ctx context.Context, create func() error) error {
	return wait.PollUntilContextCancel(ctx, registerPause, true, func(context.Context) (bool, error) {
		err := create()
		return err == nil || apierrors.IsAlreadyExists(err), nil
	})
}

func node(name, address string) *corev1.Node {
	room := corev1.ResourceList{
		corev1.ResourceCPU:              resource.MustParse("1000"),
		corev1.ResourceMemory:           resource.MustParse("4Ti"),
		corev1.ResourceEphemeralStorage: resource.MustParse("4Ti"),
		corev1.ResourcePods:             resource.MustParse("5000"),
	}
	now := metav1.Now()
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			corev1.LabelHostname:     name,
			corev1.LabelOSStable:     "linux",
			corev1.LabelArchStable:   "amd64",
			corev1.LabelTopologyZone: "zone-" + name[len("node-"):],
		}},
		Status: corev1.NodeStatus{
			Capacity:    room,
			Allocatable: room,
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: address}, {Type: corev1.NodeHostName, Address: name},
			},
			Conditions: []corev1.NodeCondition{{
				Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", Message: "pretends to be one",
				LastHeartbeatTime: now, LastTransitionTime: now,
			}},
			NodeInfo: corev1.NodeSystemInfo{OperatingSystem: "linux", Architecture: "amd64", KubeletVersion: "v1.34.10"},
		},
	}
}

// provisioner is who makes the volumes of the default storage class: volumes.go.
const provisioner = "windlass.test/volumes"

func storageClass() *storagev1.StorageClass {
	return &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{
			Name:        "standard",
			Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"},
		},
		Provisioner: provisioner,
	}
}
