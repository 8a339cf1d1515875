package up

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// holdPorts chooses free ports of 127.0.0.1 and holds them (bound, not listening, shared with our own components through
// SO_REUSEPORT) until it is told to release them: no other program, and no other cluster, can take one before its component
// listens there, or while the component is started again.
func holdPorts(count int) ([]int, func(), error) {
	var sockets []int
	release := func() {
		for _, socket := range sockets {
			_ = unix.Close(socket)
		}
	}
	var ports []int
	for range count {
		socket, port, err := holdPort()
		if err != nil {
			release()
			return nil, nil, fmt.Errorf("no free port on 127.0.0.1: %w", err)
		}
		sockets, ports = append(sockets, socket), append(ports, port)
	}
	return ports, release, nil
}

func holdPort() (int, int, error) {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, 0, err
	}
	port, err := bindFree(socket)
	if err != nil {
		_ = unix.Close(socket)
		return 0, 0, err
	}
	return socket, port, nil
}

func bindFree(socket int) (int, error) {
	if err := unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return 0, err
	}
	if err := unix.Bind(socket, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, err
	}
	bound, err := unix.Getsockname(socket)
	if err != nil {
		return 0, err
	}
	return bound.(*unix.SockaddrInet4).Port, nil
}
