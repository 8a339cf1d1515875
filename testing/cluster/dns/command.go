// Package dns is CoreDNS with the few plugins that the names of a test cluster need.
package dns

import (
	"fmt"
	"os"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	"github.com/spf13/cobra"
)

// Command is the component `coredns`.
func Command() *cobra.Command {
	var path string
	command := &cobra.Command{
		Use:          "coredns",
		SilenceUsage: true,
		Args:         cobra.NoArgs,
		RunE:         func(*cobra.Command, []string) error { return serve(path) },
	}
	command.Flags().StringVar(&path, "conf", "", "the Corefile")
	return command
}

func serve(path string) error {
	caddy.Quiet, dnsserver.Quiet = true, true
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	instance, err := caddy.Start(caddy.CaddyfileInput{Filepath: path, Contents: content, ServerTypeName: "dns"})
	if err != nil {
		return fmt.Errorf("CoreDNS does not start: %w", err)
	}
	instance.Wait()
	return nil
}
