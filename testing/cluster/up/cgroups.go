package up

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// cgroupPatience is how long processes that were killed may take to leave their cgroups.
	cgroupPatience = 20 * time.Second
	cgroupPause    = 50 * time.Millisecond
)

// A hierarchy of cgroups, and what is counted in it; nothing where it is the one of version 2.
type hierarchy struct {
	path        string
	controllers []string
}

// hierarchies are those that are mounted.
func hierarchies() ([]hierarchy, error) {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var found []hierarchy
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if one, ok := parseHierarchy(lines.Text()); ok {
			found = append(found, one)
		}
	}
	if len(found) == 0 {
		return nil, errors.New("none are mounted under /sys/fs/cgroup")
	}
	return found, lines.Err()
}

// parseHierarchy reads one line of mountinfo: number, parent, device, root, place, options, ... - kind, source, options.
func parseHierarchy(line string) (hierarchy, bool) {
	left, right, ok := strings.Cut(line, " - ")
	fields, kind := strings.Fields(left), strings.Fields(right)
	if !ok || len(fields) < 5 || len(kind) < 3 {
		return hierarchy{}, false
	}
	switch kind[0] {
	case "cgroup":
		return hierarchy{fields[4], strings.Split(kind[2], ",")}, true
	case "cgroup2":
		return hierarchy{path: fields[4]}, true
	}
	return hierarchy{}, false
}

// makeCgroups makes one of this name in every hierarchy.
func makeCgroups(name string) error {
	all, err := hierarchies()
	if err != nil {
		return err
	}
	for _, one := range all {
		if len(all) == 1 {
			// Version 2 alone: what children may count is passed on by their parent.
			control := filepath.Join(one.path, "cgroup.subtree_control")
			if err := os.WriteFile(control, []byte("+cpu +cpuset +memory +pids +io"), 0o644); err != nil {
				return err
			}
		}
		made := filepath.Join(one.path, name)
		if err := os.Mkdir(made, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if !slices.Contains(one.controllers, "cpuset") {
			continue
		}
		// A new cpuset is empty, and no process can be in an empty one.
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			content, err := os.ReadFile(filepath.Join(one.path, file))
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(made, file), content, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// removeCgroups removes those of this name with all below, as soon as no process is left in them.
func removeCgroups(name string) error {
	all, err := hierarchies()
	if err != nil {
		return err
	}
	until := time.Now().Add(cgroupPatience)
	for {
		var left error
		for _, one := range all {
			left = errors.Join(left, removeBelow(filepath.Join(one.path, name)))
		}
		if left == nil {
			return nil
		}
		if time.Now().After(until) {
			return fmt.Errorf("cgroups stay behind: %w", left)
		}
		time.Sleep(cgroupPause)
	}
}

// removeBelow removes a cgroup, its children first. Their files go with them.
func removeBelow(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if entry.IsDir() {
			err = errors.Join(err, removeBelow(filepath.Join(path, entry.Name())))
		}
	}
	if gone := os.Remove(path); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}
