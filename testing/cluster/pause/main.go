// Command pause is the one process of each pod's sandbox: it holds the pod's namespaces and collects the processes that its
// containers leave behind, until it is told to end.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	for told := range signals {
		if told != syscall.SIGCHLD {
			return
		}
		for {
			if gone, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != nil || gone <= 0 {
				break
			}
		}
	}
}
