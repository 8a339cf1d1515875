package up

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	// restartPause is how long a component that ended stays away.
	restartPause = 500 * time.Millisecond
	// restartsMax of one component; one that ends more often than this has something that no restart mends.
	restartsMax = 20
)

// A keeper runs one component as a process of its own and starts it again when it ends, as a machine's supervisor would, so
// that a test can kill one and see what its clients make of it.
type keeper struct {
	layout layout
	name   string
	failed chan<- error

	mutex   sync.Mutex
	process *os.Process
}

// keep runs the component until the context ends; the process then ends as well. It holds on to one thread of the operating
// system, because the kernel kills a child when the thread that started it dies, not when the process does.
func (k *keeper) keep(ctx context.Context) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for restarts := 0; ; restarts++ {
		err := k.runOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		if restarts == restartsMax {
			k.failed <- fmt.Errorf("%s ended %d times, last with: %w; its log: %s", k.name, restarts+1, err, k.log())
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(restartPause):
		}
	}
}

func (k *keeper) runOnce(ctx context.Context) error {
	log, err := os.OpenFile(k.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	program, arguments := k.layout.program(k.name)
	command := exec.CommandContext(ctx, program, arguments...)
	if program != k.name {
		command.Args[0] = "cluster"
	}
	command.Stdout, command.Stderr = log, log
	// Cancelled, it is killed: what it stored goes with it, so there is nothing to finish.
	// Ctrl-C on a terminal is for the keeper alone, which then ends its components; and none outlives it.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		return err
	}
	if err := k.started(command.Process); err != nil {
		return err
	}
	return command.Wait()
}

// started notes the process where a test finds it.
func (k *keeper) started(process *os.Process) error {
	k.mutex.Lock()
	k.process = process
	k.mutex.Unlock()
	if k.layout.real != nil {
		// The number that it has among the node's own processes is another one's outside.
		return nil
	}
	return os.WriteFile(filepath.Join(k.layout.dir, k.name+".pid"), []byte(strconv.Itoa(process.Pid)), 0o600)
}

func (k *keeper) pid() int {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.process == nil {
		return 0
	}
	return k.process.Pid
}

func (k *keeper) log() string { return filepath.Join(k.layout.dir, k.name+".log") }
