package nodes

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
)

// volumes makes a volume for each claim of the default storage class, and removes it when the claim is gone.
type volumes struct {
	// source makes what a volume of this name stores in.
	source  func(name string) (corev1.PersistentVolumeSource, error)
	client  kubernetes.Interface
	claims  listers.PersistentVolumeClaimLister
	volumes listers.PersistentVolumeLister
	wanted  *queue
	made    *queue
}

func newVolumes(client kubernetes.Interface, factory informers.SharedInformerFactory) *volumes {
	claims, known := factory.Core().V1().PersistentVolumeClaims(), factory.Core().V1().PersistentVolumes()
	made := &volumes{source: pretended, client: client, claims: claims.Lister(), volumes: known.Lister()}
	made.wanted = newQueue(claims.Informer(), 2, made.provide)
	made.made = newQueue(known.Informer(), 2, made.remove)
	return made
}

func (v *volumes) run(ctx context.Context) {
	go v.wanted.run(ctx)
	v.made.run(ctx)
}

func (v *volumes) provide(ctx context.Context, key string) (time.Duration, error) {
	namespace, name, err := cache.SplitMetaNamespaceKey(key)
	if err != nil {
		return 0, err
	}
	claim, err := v.claims.PersistentVolumeClaims(namespace).Get(name)
	if err != nil || claim.Status.Phase == corev1.ClaimBound || claim.Spec.VolumeName != "" {
		return 0, nil
	}
	if claim.Spec.StorageClassName == nil || *claim.Spec.StorageClassName != storageClass().Name {
		return 0, nil
	}
	made := volume(claim)
	if made.Spec.PersistentVolumeSource, err = v.source(made.Name); err != nil {
		return 0, err
	}
	_, err = v.client.CoreV1().PersistentVolumes().Create(ctx, made, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return 0, nil
	}
	return 0, err
}

// pretended names a file server that does not exist: such a volume is attached to no node and mounted by no pretended one.
func pretended(name string) (corev1.PersistentVolumeSource, error) {
	return corev1.PersistentVolumeSource{
		NFS: &corev1.NFSVolumeSource{Server: "volumes.invalid", Path: "/" + name},
	}, nil
}

func volume(claim *corev1.PersistentVolumeClaim) *corev1.PersistentVolume {
	name := "pvc-" + string(claim.UID)
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{
			Name:        name,
			Annotations: map[string]string{"pv.kubernetes.io/provisioned-by": provisioner},
		},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:         claim.Spec.Resources.Requests,
			AccessModes:      claim.Spec.AccessModes,
			StorageClassName: *claim.Spec.StorageClassName,
			VolumeMode:       claim.Spec.VolumeMode,
			// Nothing else would know how to remove it.
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim",
				Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
		},
	}
}

func (v *volumes) remove(ctx context.Context, name string) (time.Duration, error) {
	known, err := v.volumes.Get(name)
	if err != nil || known.DeletionTimestamp != nil {
		return 0, nil
	}
	ours := known.Annotations["pv.kubernetes.io/provisioned-by"] == provisioner
	if !ours || known.Status.Phase != corev1.VolumeReleased {
		return 0, nil
	}
	err = v.client.CoreV1().PersistentVolumes().Delete(ctx, name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &known.UID},
	})
	if apierrors.IsNotFound(err) {
		return 0, nil
	}
	return 0, err
}
