package up

import (
	"fmt"
	"net"
)

// networksMax is how many real clusters one machine can have at a time.
const networksMax = 64

// A network is one real cluster's addresses. Each cluster has a number of its own, so that clusters do not meet though all of
// them are reached from the same machine.
type network struct {
	Number int `json:"number"`
}

// host is the machine's end of the link to the node.
func (n network) host() string { return fmt.Sprintf("10.245.%d.1", n.Number) }

// node is where the API server and the kubelet are.
func (n network) node() string { return fmt.Sprintf("10.245.%d.2", n.Number) }

func (n network) link() string { return fmt.Sprintf("10.245.%d.0/24", n.Number) }

func (n network) pods() string { return fmt.Sprintf("10.244.%d.0/24", n.Number) }

func (n network) services() string { return fmt.Sprintf("10.96.%d.0/22", 4*n.Number) }

// apiService is the address of the Service `kubernetes`, the first of the range.
func (n network) apiService() string { return fmt.Sprintf("10.96.%d.1", 4*n.Number) }

func (n network) dns() string { return fmt.Sprintf("10.96.%d.10", 4*n.Number) }

// name is what the machine's end of the link and the cluster's cgroup are called. Whoever makes the link has the number.
func (n network) name() string { return fmt.Sprintf("windlass%d", n.Number) }

// overlaps tells whether the machine has one of these addresses already.
func (n network) overlaps(taken []net.Addr) bool {
	for _, text := range []string{n.link(), n.pods(), n.services()} {
		_, own, err := net.ParseCIDR(text)
		if err != nil {
			return true
		}
		for _, address := range taken {
			other, ok := address.(*net.IPNet)
			if ok && (own.Contains(other.IP) || other.Contains(own.IP)) {
				return true
			}
		}
	}
	return false
}
