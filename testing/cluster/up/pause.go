package up

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// pauseImage is the name under which every pod's sandbox is looked for.
const pauseImage = "windlass.test/pause:1"

// writePause makes an archive of the image with the program `pause`, which was built beside this one.
func writePause(path string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	program, err := os.ReadFile(filepath.Join(filepath.Dir(self), "pause"))
	if err != nil {
		return fmt.Errorf("the program of pods' sandboxes is not beside this one: %w", err)
	}
	archive, err := pauseArchive(program)
	if err != nil {
		return err
	}
	return os.WriteFile(path, archive, 0o600)
}

// pauseArchive is an image of one file, in the form of `docker save`.
func pauseArchive(program []byte) ([]byte, error) {
	layer, err := tarOf(0o755, part{"pause", program})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(layer)
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux",
		"config": map[string]any{"Entrypoint": []string{"/pause"}, "User": "65535:65535"},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + hex.EncodeToString(sum[:])}},
	})
	if err != nil {
		return nil, err
	}
	manifest, err := json.Marshal([]map[string]any{{
		"Config": "config.json", "RepoTags": []string{pauseImage}, "Layers": []string{"layer.tar"},
	}})
	if err != nil {
		return nil, err
	}
	return tarOf(0o644, part{"config.json", config}, part{"layer.tar", layer}, part{"manifest.json", manifest})
}

type part struct {
	name    string
	content []byte
}

func tarOf(mode int64, parts ...part) ([]byte, error) {
	var out bytes.Buffer
	writer := tar.NewWriter(&out)
	for _, one := range parts {
		header := &tar.Header{Name: one.name, Mode: mode, Size: int64(len(one.content)), Format: tar.FormatUSTAR}
		if err := writer.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := writer.Write(one.content); err != nil {
			return nil, err
		}
	}
	err := writer.Close()
	return out.Bytes(), err
}
