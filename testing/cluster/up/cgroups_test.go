package up

import (
	"slices"
	"testing"
)

func TestHierarchiesAreFoundAmongMounts(t *testing.T) {
	cases := []struct {
		line, path  string
		controllers []string
	}{
		{"33 32 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct",
			"/sys/fs/cgroup/cpu,cpuacct", []string{"rw", "cpu", "cpuacct"}},
		{"42 32 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw", "/sys/fs/cgroup/unified", nil},
		{"29 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw", "", nil},
		{"32 29 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755", "", nil},
		{"no mount", "", nil},
	}
	for _, one := range cases {
		found, ok := parseHierarchy(one.line)
		if ok != (one.path != "") || found.path != one.path || !slices.Equal(found.controllers, one.controllers) {
			t.Errorf("%s: %v %v", one.line, found, ok)
		}
	}
}
