package up

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// insideLink is the node's end of the link to the machine.
const insideLink = "machine"

// hidden are folders that are the node's own, in memory: what is written there goes with its namespaces.
var hidden = []string{"/run", "/var/lib", "/var/log"}

// tunables are settings of the whole machine that a kubelet makes as it likes them. It is shown that they are so.
var tunables = map[string]string{
	"vm/overcommit_memory":      "1",
	"vm/panic_on_oom":           "0",
	"kernel/panic":              "10",
	"kernel/panic_on_oops":      "1",
	"kernel/keys/root_maxkeys":  "1000000",
	"kernel/keys/root_maxbytes": "25000000",
}

// RunInside is the first process of the cluster's namespaces: it makes them fit for a node, starts what keeps the components,
// and collects every process that loses its parent.
func RunInside() error {
	line, err := bufio.NewReader(os.Stdin).ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("nobody said what to do: %w", err)
	}
	var told order
	if err := json.Unmarshal(line, &told); err != nil {
		return err
	}
	if err := mounts(told.Dir); err != nil {
		return err
	}
	if err := connect(told.Network); err != nil {
		return err
	}
	keeper := exec.Command("/proc/self/exe", Within, "--dir="+told.Dir, "--network="+strconv.Itoa(told.Network.Number))
	keeper.Args[0] = "cluster"
	keeper.Stdout, keeper.Stderr = os.Stdout, os.Stderr
	if err := keeper.Start(); err != nil {
		return err
	}
	for {
		var status syscall.WaitStatus
		gone, err := syscall.Wait4(-1, &status, 0, nil)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return err
		}
		if gone == keeper.Process.Pid {
			return fmt.Errorf("what keeps its components ended (%d)", status.ExitStatus())
		}
	}
}

// mounts makes what is mounted the node's own.
func mounts(dir string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("cannot part from the machine's mounts: %w", err)
	}
	for _, folder := range hidden {
		if dir == folder || strings.HasPrefix(dir, folder+"/") {
			return fmt.Errorf("the folder of a real cluster cannot be in %s, which the node has for itself; hint: name another with --dir", folder)
		}
		if err := unix.Mount("tmpfs", folder, "tmpfs", 0, "mode=755"); err != nil {
			return fmt.Errorf("cannot mount the node's own %s: %w", folder, err)
		}
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("cannot mount the node's own /proc: %w", err)
	}
	if err := os.Mkdir("/run/tunables", 0o755); err != nil {
		return err
	}
	for name, value := range tunables {
		shown := filepath.Join("/run/tunables", strings.ReplaceAll(name, "/", "."))
		if err := os.WriteFile(shown, []byte(value+"\n"), 0o644); err != nil {
			return err
		}
		if err := unix.Mount(shown, filepath.Join("/proc/sys", name), "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("cannot hide %s from the kubelet: %w", name, err)
		}
	}
	// Pods may ask to see mounts that are made later.
	return unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, "")
}

// connect sets up the node's end of the link.
func connect(own network) error {
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	made, err := netlink.LinkByName(insideLink)
	if err != nil {
		return err
	}
	address, err := netlink.ParseAddr(own.node() + "/24")
	if err != nil {
		return err
	}
	if err := errors.Join(netlink.LinkSetUp(loopback), netlink.AddrAdd(made, address), netlink.LinkSetUp(made)); err != nil {
		return fmt.Errorf("cannot set up the node's link: %w", err)
	}
	if err := netlink.RouteAdd(&netlink.Route{LinkIndex: made.Attrs().Index, Gw: net.ParseIP(own.host())}); err != nil {
		return fmt.Errorf("cannot route from the node: %w", err)
	}
	// Whoever asks for a Service before kube-proxy knows it is to ask again. Sent on, the packet would come back from the machine,
	// and its connection be remembered as one that leads to no pod.
	unknown := exec.Command("iptables", "--wait", "--append", "FORWARD", "--destination", own.services(), "--jump", "DROP")
	if said, err := unknown.CombinedOutput(); err != nil {
		return fmt.Errorf("iptables: %w %s", err, strings.TrimSpace(string(said)))
	}
	// The network's own setting, not the machine's.
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644)
}

// RunWithin keeps the components, and says so in one line when they are healthy.
func RunWithin(dir string, number int) error {
	where := realLayout(network{number})
	where.dir = dir
	return serve(context.Background(), where, func(map[string]*keeper) error {
		_, err := fmt.Println("healthy")
		return err
	})
}

// bring imports the image of pods' sandboxes as soon as containerd takes it.
func (l layout) bring(ctx context.Context) error {
	for {
		command := exec.CommandContext(ctx, ctr, "--address="+containerdSocket, "--namespace=k8s.io", "images", "import",
			filepath.Join(l.dir, "pause.tar"))
		said, err := command.CombinedOutput()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("containerd does not take the image of pods' sandboxes: %s", strings.TrimSpace(string(said)))
		case <-time.After(healthyPause):
		}
	}
}

// unreachable says which Service of the cluster's own does not answer yet.
func (l layout) unreachable() error {
	for _, address := range []string{l.real.apiService() + ":443", l.real.dns() + ":53"} {
		connection, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return fmt.Errorf("a Service does not answer: %w", err)
		}
		_ = connection.Close()
	}
	return nil
}

// PartOfReal are the commands that the program gives itself.
func PartOfReal(name string) *cobra.Command {
	var dir string
	var number int
	command := &cobra.Command{
		Use:           name,
		Hidden:        true,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(_ *cobra.Command, arguments []string) error {
			switch {
			case name == Inside:
				return RunInside()
			case name == Within:
				return RunWithin(dir, number)
			case len(arguments) == 1:
				return SweepAfter(arguments[0])
			}
			return errors.New("the name of the cgroups is missing")
		},
	}
	command.Flags().StringVar(&dir, "dir", "", "the cluster's folder")
	command.Flags().IntVar(&number, "network", 0, "the number of the cluster's addresses")
	return command
}
