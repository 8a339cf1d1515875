package up

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The programs of Debian that a real node runs beside our own, and the package that has them.
const (
	containerd = "containerd"
	ctr        = "ctr"
	// plugins is where Debian puts what gives pods their network.
	plugins = "/usr/lib/cni"
)

var needed = []struct{ program, pack string }{
	{containerd, "containerd"},
	{ctr, "containerd"},
	{"runc", "runc"},
	{"iptables", "iptables"},
	{"mount", "mount"},
	{filepath.Join(plugins, "ptp"), "containernetworking-plugins"},
	{filepath.Join(plugins, "host-local"), "containernetworking-plugins"},
	{filepath.Join(plugins, "portmap"), "containernetworking-plugins"},
}

// An obstacle is why there can be no real node here. Exit codes keep what can be installed apart from what cannot be helped.
type obstacle struct {
	text string
	code int
}

const (
	exitMissing   = 3
	exitRefused   = 4
	exitOtherwise = 1
)

func (o obstacle) Error() string { return o.text }

// ExitCode is the program's, for an error that it ends with.
func ExitCode(err error) int {
	var found obstacle
	if errors.As(err, &found) {
		return found.code
	}
	return exitOtherwise
}

// obstacles says why a node cannot be real here, or nothing.
func obstacles() error {
	if os.Geteuid() != 0 {
		return obstacle{"a real node needs root: it makes namespaces, networks and cgroups", exitRefused}
	}
	// What `ssh` and cron give as PATH may lack these.
	_ = os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	var missing []string
	for _, one := range needed {
		if _, err := exec.LookPath(one.program); err != nil {
			missing = append(missing, fmt.Sprintf("%s (Debian's package %s)", one.program, one.pack))
		}
	}
	if len(missing) > 0 {
		return obstacle{"a real node needs " + strings.Join(missing, ", "), exitMissing}
	}
	if err := tryNamespaces(); err != nil {
		return obstacle{fmt.Sprintf("a real node needs namespaces of its own, which are refused here: %v", err), exitRefused}
	}
	if err := tryCgroups(); err != nil {
		return obstacle{fmt.Sprintf("a real node needs cgroups that it may change: %v", err), exitRefused}
	}
	return nil
}

// tryNamespaces mounts something in namespaces of its own, in a process that ends at once.
func tryNamespaces() error {
	command := exec.Command("mount", "-t", "tmpfs", "tmpfs", "/mnt")
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWPID,
		// Else the mount would show outside where mounts are shared.
		Unshareflags: unix.CLONE_NEWNS,
	}
	said, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w %s", err, strings.TrimSpace(string(said)))
	}
	return nil
}

func tryCgroups() error {
	name := fmt.Sprintf("windlass-try-%d", os.Getpid())
	err := makeCgroups(name)
	return errors.Join(err, removeCgroups(name))
}
