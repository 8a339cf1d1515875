package up

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The program's own parts of a real cluster, by the argument that makes the binary one of them.
const (
	Inside = "inside"
	Within = "within"
	Sweep  = "sweep"
)

const (
	realAPIPort  = 6443
	realEtcdPort = 2379
	realPeerPort = 2380
)

// runReal keeps a cluster whose node is real in namespaces of its own: one process is the first of them, and the kernel ends
// everything with it. Returns nil when it was told to stop.
func runReal(ctx context.Context, dir string) error {
	begun := time.Now()
	// The kernel kills a child when the thread that started it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := obstacles(); err != nil {
		return err
	}
	first, err := startFirst()
	if err != nil {
		return err
	}
	defer first.end()
	taken, err := link(first.command.Process.Pid)
	if err != nil {
		return err
	}
	swept, err := startSweeper(taken.name())
	if err != nil {
		return err
	}
	// Runs after everything has ended.
	defer func() { first.end(); swept() }()
	if err := makeCgroups(taken.name()); err != nil {
		return fmt.Errorf("cannot make the cluster's cgroups: %w", err)
	}
	where, err := prepare(dir, realLayout(taken))
	if err != nil {
		return err
	}
	if err := where.writeNode(); err != nil {
		return err
	}
	if err := first.tell(order{where.dir, taken}); err != nil {
		return err
	}
	healthy := first.healthy
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-first.ended:
			return fmt.Errorf("the cluster ended by itself; its logs: %s/*.log", where.dir)
		case <-healthy:
			healthy = nil
			if err := sayReal(where, first.command.Process.Pid, time.Since(begun)); err != nil {
				return err
			}
		}
	}
}

func realLayout(taken network) layout {
	return layout{apiPort: realAPIPort, etcdPort: realEtcdPort, peer: realPeerPort, nodes: 1, real: &taken}
}

// An order is what the first process of the namespaces is told.
type order struct {
	Dir     string  `json:"dir"`
	Network network `json:"network"`
}

// first is the first process of the cluster's namespaces.
type first struct {
	command *exec.Cmd
	orders  io.WriteCloser
	healthy <-chan struct{}
	ended   <-chan struct{}
}

func startFirst() (*first, error) {
	command := exec.Command("/proc/self/exe", Inside)
	command.Args[0] = "cluster"
	command.Stderr = os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWPID,
		Pdeathsig:  syscall.SIGKILL,
		Setpgid:    true,
	}
	orders, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	said, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("cannot make namespaces: %w", err)
	}
	healthy, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		lines := bufio.NewReader(said)
		if _, err := lines.ReadString('\n'); err == nil {
			close(healthy)
		}
		_, _ = io.Copy(io.Discard, lines)
		_ = command.Wait()
	}()
	return &first{command, orders, healthy, ended}, nil
}

func (f *first) tell(what order) error {
	line, err := json.Marshal(what)
	if err != nil {
		return err
	}
	_, err = f.orders.Write(append(line, '\n'))
	return err
}

// end kills it, and returns when it and with it every process of the namespaces has ended.
func (f *first) end() {
	_ = f.command.Process.Kill()
	<-f.ended
}

// link connects the machine to the namespaces of a process, under the first number that is free. The link goes when they go,
// and with it its routes.
func link(process int) (network, error) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return network{}, err
	}
	for number := range networksMax {
		one := network{number}
		if one.overlaps(addresses) {
			continue
		}
		made := netlink.NewVeth(netlink.LinkAttrs{Name: one.name()})
		made.PeerName, made.PeerNamespace = insideLink, netlink.NsPid(process)
		if err := netlink.LinkAdd(made); err != nil {
			if errors.Is(err, unix.EEXIST) {
				continue
			}
			return network{}, fmt.Errorf("cannot make the link to the node: %w", err)
		}
		return one, route(one)
	}
	return network{}, fmt.Errorf("no addresses are free for another cluster: %d run, or the machine has all of 10.244.0.0/15 and 10.96.0.0/16", networksMax)
}

// route makes the node, its pods and the cluster's Services reachable from the machine.
func route(one network) error {
	made, err := netlink.LinkByName(one.name())
	if err != nil {
		return err
	}
	own, err := netlink.ParseAddr(one.host() + "/24")
	if err != nil {
		return err
	}
	if err := errors.Join(netlink.AddrAdd(made, own), netlink.LinkSetUp(made)); err != nil {
		return fmt.Errorf("cannot set up the link to the node: %w", err)
	}
	for _, text := range []string{one.pods(), one.services()} {
		_, target, err := net.ParseCIDR(text)
		if err != nil {
			return err
		}
		way := &netlink.Route{LinkIndex: made.Attrs().Index, Dst: target, Gw: net.ParseIP(one.node())}
		if err := netlink.RouteAdd(way); err != nil {
			return fmt.Errorf("cannot route %s to the node: %w", text, err)
		}
	}
	return nil
}

// startSweeper starts who removes the cluster's cgroups, which outlive their processes: when what is returned is called, and
// when this process is killed.
func startSweeper(name string) (func(), error) {
	command := exec.Command("/proc/self/exe", Sweep, name)
	command.Args[0] = "cluster"
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	held, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	return func() {
		_ = held.Close()
		_ = command.Wait()
	}, nil
}

// SweepAfter removes the cgroups of this name once its standard input ends.
func SweepAfter(name string) error {
	_, _ = io.Copy(io.Discard, os.Stdin)
	return removeCgroups(name)
}

func sayReal(where layout, first int, took time.Duration) error {
	made := where.report(took)
	made.Processes = map[string]int{"cluster": os.Getpid()}
	made.Node = &nodeReport{
		Address: where.real.node(),
		Machine: where.real.host(),
		// Sockets are found through the root of a process that sees them.
		Containerd: fmt.Sprintf("/proc/%d/root%s", first, containerdSocket),
	}
	return made.say()
}
