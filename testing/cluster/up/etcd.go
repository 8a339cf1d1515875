package up

import (
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/client/pkg/v3/transport"
	"go.etcd.io/etcd/server/v3/embed"
)

// quotaBytes is how much one cluster may store.
const quotaBytes = 2 << 30

// EtcdCommand is etcd with one member and without a sync to disk for each write: nothing here outlives a test.
func EtcdCommand() *cobra.Command {
	var dir, client, peer string
	command := &cobra.Command{
		Use:           Etcd,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(*cobra.Command, []string) error {
			return serveEtcd(dir, client, peer)
		},
	}
	command.Flags().StringVar(&dir, "dir", "", "where it stores")
	command.Flags().StringVar(&client, "client", "", "URL for the API server")
	command.Flags().StringVar(&peer, "peer", "", "URL for other members, of which there are none")
	return command
}

func serveEtcd(dir, client, peer string) error {
	config := embed.NewConfig()
	config.Name, config.Dir, config.LogLevel = "only", dir, "error"
	config.UnsafeNoFsync = true
	config.AutoCompactionMode, config.AutoCompactionRetention = "periodic", "5m"
	config.QuotaBackendBytes = quotaBytes
	// The port is held by the process that chose it.
	config.SocketOpts = transport.SocketOpts{ReusePort: true}
	for _, part := range []struct {
		text              string
		listen, advertise *[]url.URL
	}{
		{client, &config.ListenClientUrls, &config.AdvertiseClientUrls},
		{peer, &config.ListenPeerUrls, &config.AdvertisePeerUrls},
	} {
		parsed, err := url.Parse(part.text)
		if err != nil {
			return fmt.Errorf("the URL %q: %w", part.text, err)
		}
		*part.listen, *part.advertise = []url.URL{*parsed}, []url.URL{*parsed}
	}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	server, err := embed.StartEtcd(config)
	if err != nil {
		return fmt.Errorf("etcd does not start: %w", err)
	}
	defer server.Close()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	select {
	case <-stop:
		return nil
	case err := <-server.Err():
		return fmt.Errorf("etcd: %w", err)
	}
}
