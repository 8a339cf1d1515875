package up

import (
	"net"
	"testing"
)

func TestNetworksDoNotMeet(t *testing.T) {
	seen := map[string]bool{}
	for number := range networksMax {
		one := network{number}
		for _, text := range []string{one.link(), one.pods(), one.services()} {
			_, parsed, err := net.ParseCIDR(text)
			if err != nil || parsed.String() != text || seen[text] {
				t.Errorf("%s of number %d: %v", text, number, err)
			}
			seen[text] = true
		}
		_, services, _ := net.ParseCIDR(one.services())
		for _, address := range []string{one.apiService(), one.dns()} {
			if !services.Contains(net.ParseIP(address)) {
				t.Errorf("%s is not in %s", address, services)
			}
		}
	}
}

func TestANetworkThatTheMachineHasIsLeftAlone(t *testing.T) {
	for text, expected := range map[string]bool{
		"192.168.1.7/24": false,
		"10.245.3.1/24":  true,
		"10.96.13.5/32":  true,
		"10.0.0.9/8":     true,
		"127.0.0.1/8":    false,
		"::1/128":        false,
	} {
		ip, mask, err := net.ParseCIDR(text)
		if err != nil {
			t.Fatal(err)
		}
		if found := (network{3}).overlaps([]net.Addr{&net.IPNet{IP: ip, Mask: mask.Mask}}); found != expected {
			t.Errorf("%s: %v", text, found)
		}
	}
}
