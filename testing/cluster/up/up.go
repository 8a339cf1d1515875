// Package up starts the components of one cluster, waits until they are healthy and ends them together.
package up

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// Command is `cluster up`.
func Command() *cobra.Command {
	var dir string
	var nodes int
	var stay, real, try bool
	command := &cobra.Command{
		Use:           "up",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if try {
				return obstacles()
			}
			if dir == "" {
				return errors.New("--dir is missing")
			}
			ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
			defer cancel()
			if stay {
				// The terminal, and whoever read the report, may go away.
				signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
			} else {
				go func() {
					_, _ = io.Copy(io.Discard, os.Stdin)
					cancel()
				}()
			}
			if real {
				return runReal(ctx, dir)
			}
			return run(ctx, dir, nodes)
		},
	}
	command.Flags().StringVar(&dir, "dir", "", "folder for everything the cluster writes")
	command.Flags().IntVar(&nodes, "nodes", 3, "how many nodes pretend")
	command.Flags().BoolVar(&stay, "stay", false, "go on when standard input ends")
	command.Flags().BoolVar(&real, "real", false, "one node that runs pods")
	command.Flags().BoolVar(&try, "try", false, "only say what is missing for a node that runs pods")
	return command
}

// A report is the one line that says that the cluster is ready.
type report struct {
	Kubeconfig string         `json:"kubeconfig"`
	Server     string         `json:"server"`
	Dir        string         `json:"dir"`
	Audit      string         `json:"audit"`
	Processes  map[string]int `json:"processes"`
	ReadyMs    int64          `json:"ready_ms"`
	Node       *nodeReport    `json:"node,omitempty"`
}

// A nodeReport is where a real node is.
type nodeReport struct {
	// Address of the node, and Machine of the machine as the node and its pods see it.
	Address string `json:"address"`
	Machine string `json:"machine"`
	// Containerd is its socket.
	Containerd string `json:"containerd"`
}

// run returns nil when it was told to stop.
func run(ctx context.Context, dir string, nodes int) error {
	begun := time.Now()
	ports, release, err := holdPorts(3)
	if err != nil {
		return err
	}
	defer release()
	where, err := prepare(dir, layout{apiPort: ports[0], etcdPort: ports[1], peer: ports[2], nodes: nodes})
	if err != nil {
		return err
	}
	return serve(ctx, where, func(keepers map[string]*keeper) error {
		made := where.report(time.Since(begun))
		made.Processes = map[string]int{"cluster": os.Getpid()}
		for name, one := range keepers {
			made.Processes[name] = one.pid()
		}
		return made.say()
	})
}

// serve runs the components until the context ends, and calls `healthy` once they are.
func serve(ctx context.Context, where layout, healthy func(map[string]*keeper) error) error {
	failed := make(chan error, len(where.components()))
	keepers, stop := start(where, failed)
	defer stop()
	ready := make(chan error, 1)
	go func() { ready <- awaitHealthy(ctx, where) }()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case err := <-ready:
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return err
			}
			if err := healthy(keepers); err != nil {
				return err
			}
		}
	}
}

// prepare makes the folder and everything in it that the components read.
func prepare(dir string, where layout) (layout, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return where, err
	}
	where.dir = absolute
	if entries, err := os.ReadDir(absolute); err == nil && len(entries) > 0 {
		return where, fmt.Errorf("%s is not empty; hint: remove it, or name another folder with --dir", absolute)
	}
	if err := os.MkdirAll(where.identities(), 0o700); err != nil {
		return where, fmt.Errorf("cannot make the cluster's folder: %w", err)
	}
	if err := where.writeIdentities(); err != nil {
		return where, err
	}
	admin, err := os.ReadFile(where.file("admin.kubeconfig"))
	if err != nil {
		return where, err
	}
	return where, errors.Join(
		os.WriteFile(where.file("audit-policy.json"), []byte(auditPolicy), 0o600),
		os.WriteFile(where.kubeconfig(), admin, 0o600),
		os.WriteFile(filepath.Join(absolute, "cluster.pid"), []byte(strconv.Itoa(os.Getpid())), 0o600),
	)
}

// start runs all components at once: each waits by itself, or ends and is started again, until those it needs are there.
// What it returns ends them all and returns when they have ended.
func start(where layout, failed chan<- error) (map[string]*keeper, func()) {
	keepers := map[string]*keeper{}
	ctx, cancel := context.WithCancel(context.Background())
	var kept sync.WaitGroup
	for _, name := range where.components() {
		one := &keeper{layout: where, name: name, failed: failed}
		keepers[name] = one
		kept.Add(1)
		go func() {
			defer kept.Done()
			one.keep(ctx)
		}()
	}
	return keepers, func() {
		cancel()
		kept.Wait()
	}
}

func (l layout) report(took time.Duration) report {
	return report{
		Kubeconfig: l.kubeconfig(),
		Server:     l.server(),
		Dir:        l.dir,
		Audit:      l.audit(),
		ReadyMs:    took.Milliseconds(),
	}
}

func (r report) say() error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.Dir, "report.json"), line, 0o600); err != nil {
		return err
	}
	fmt.Println(string(line))
	return nil
}
