// Package settings is everything an operator can set, and where each value came from.
//
// A setting has one name, which is its flag, its key in the configuration file and, in capitals with
// NACRE_ before it, its environment variable. A flag wins over the environment, the environment over
// the file, the file over the default.
package settings

import (
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// Values of Settings.Mode.
const (
	ModeStandalone = "standalone"
	ModeCluster    = "cluster"
)

// Values of Settings.Storage.
const (
	StorageSQLite = "sqlite"
	StorageMySQL  = "mysql"
)

// Values of Settings.LogFormat.
const (
	LogText = "text"
	LogJSON = "json"
)

// Values of Settings.AccessLog.
const (
	AccessOn      = "on"
	AccessOff     = "off"
	AccessSampled = "sampled"
)

// Values of Settings.UDPPush.
const (
	UDPSource  = "source"
	UDPClaimed = "claimed"
	UDPOff     = "off"
)

// Settings are the values a server runs with. Make them with Default or Load; a server takes them as
// they are, so whoever changes one by hand calls Validate afterwards.
type Settings struct {
	// Mode is ModeStandalone or ModeCluster.
	Mode string
	// DataDir is the folder that holds all that must survive a restart.
	DataDir string
	// HTTPAddr is the host:port of HTTP and console; port 0 takes a free one.
	HTTPAddr string
	// GRPCAddr is the host:port of gRPC for clients, "" for the one that ClientGRPCAddr derives.
	GRPCAddr string
	// DNSAddr is the host:port of the DNS server, "" for none.
	DNSAddr string
	// UDPPush is UDPSource, UDPClaimed or UDPOff: where clients of 1.x are told of changes over UDP.
	UDPPush string
	// AdvertiseAddr is the host that other nodes and clients are told, "" to find it out.
	AdvertiseAddr string
	// PeerAddr, RaftAddr and GossipAddr are the host:port of what nodes say to each other, "" for those that derive from HTTPAddr.
	PeerAddr, RaftAddr, GossipAddr string
	// ClusterConf is the path of a cluster.conf as Nacos has it, "" for none.
	ClusterConf string
	// Members are the addresses of the cluster's nodes.
	Members []string
	// AddressServer is the URL of an address server, "" for none.
	AddressServer string
	// ClusterSize is how many members must be there before a new cluster begins, 0 for all that are listed.
	ClusterSize int
	// ClusterKeyFile is the path of the key that all nodes share, "" for none; ClusterKey is the key itself, from the environment.
	ClusterKeyFile, ClusterKey string
	// Storage is StorageSQLite or StorageMySQL.
	Storage string
	// MySQLDSN says how to reach MySQL. It holds a password.
	MySQLDSN string
	// ConsoleAddr is the host:port of a listener for the console alone, "" for none.
	ConsoleAddr string
	// Auth says whether clients must log in.
	Auth bool
	// Insecure allows what is refused because anybody on the network could change configurations.
	Insecure bool

	// LogFormat is LogText or LogJSON.
	LogFormat string
	// LogLevel is the least level that is logged.
	LogLevel slog.Level
	// AccessLog is AccessOn (a line for each request), AccessSampled or AccessOff.
	AccessLog string
	// AccessLogRate is how many requests a second AccessSampled logs at most; failures count too.
	AccessLogRate int
	// Metrics says whether /metrics is served.
	Metrics bool

	// MaxConfigSize is the size in bytes of the largest content that may be published.
	MaxConfigSize int64
	// HistoryRetention is how many days a history row is kept.
	HistoryRetention int
	// CapacityCheck says whether quotas are enforced; usage is counted in any case.
	CapacityCheck bool
	// QuotaCluster is how many configurations there may be in all, where CapacityCheck is on.
	QuotaCluster int
	// QuotaGroup is how many there may be in a group of the default namespace that has no quota of its own.
	QuotaGroup int
	// QuotaNamespace is how many there may be in a namespace that has no quota of its own.
	QuotaNamespace int
	// QuotaMaxSize is the size in bytes of the largest content where CapacityCheck is on and the
	// namespace or group has no limit of its own.
	QuotaMaxSize int64
	// MaxNamespaces is how many namespaces may be created.
	MaxNamespaces int
	// These bound the registry: instances in all and of one service, services, of how many one client may register instances,
	// subscriptions in all and of one client.
	MaxInstances, MaxInstancesPerService, MaxServices, MaxServicesPerClient int
	MaxSubscriptions, MaxSubscriptionsPerClient                             int
	// CacheBudget is how many bytes of contents are held in memory, 0 for all.
	CacheBudget int64

	// APICompatClient says whether v1 and v2 paths that clients use are answered; off: 410.
	APICompatClient bool
	// APICompatAdmin says whether v1 and v2 paths of operators are answered; off: 410.
	APICompatAdmin bool
	// APICompatConsole says whether v1 and v2 paths of Nacos' old console are answered; off: 410.
	APICompatConsole bool

	// TrustedProxies are the addresses and networks whose X-Forwarded-For is believed.
	TrustedProxies []string
	// LongPollMaxWaiting is how many long polls may wait at once; more are refused.
	LongPollMaxWaiting int
	// GRPCMaxMessage is the size in bytes of the largest message that a gRPC client may send.
	GRPCMaxMessage int64
	// GRPCMaxConnections is how many gRPC connections of clients may be open at once.
	GRPCMaxConnections int
	// GRPCMaxConnectionsPerIP is how many of them may come from one address, 0 for no limit.
	GRPCMaxConnectionsPerIP int
	// GRPCMaxRate is how many requests a second one gRPC connection may send, 0 for no limit.
	GRPCMaxRate int
	// ImportMaxZip is the size in bytes of the largest ZIP that may be imported.
	ImportMaxZip int64
	// ImportMaxUnpacked is how many bytes an imported ZIP may unpack to.
	ImportMaxUnpacked int64
	// RebalanceSkew is from how many percent above the mean on one node clients are sent to others by themselves, 0 for never.
	RebalanceSkew int
	// ConsoleSessionIdle is how long a session of the console lives unused.
	ConsoleSessionIdle time.Duration
	// ConsoleGallery says whether the console has the page that shows all its parts.
	ConsoleGallery bool
	// DrainTimeout is how long requests under way may take after a SIGTERM.
	DrainTimeout time.Duration

	// Config is the path of the configuration file that was read, "" for none.
	Config string

	from map[string]Source
}

// Default returns the settings of a server that was told nothing.
func Default() Settings {
	var s Settings
	for _, o := range options {
		if o.def == "" {
			continue
		}
		if err := o.set(&s, o.def); err != nil {
			panic("default of " + o.name + ": " + err.Error())
		}
	}
	return s
}

// GRPCOffset is what SDKs add to the port that they were given to find gRPC (grpc.md §1).
const GRPCOffset = 1000

// Offsets from HTTP's port to those of what nodes say to each other.
const (
	PeerOffset   = 1001
	RaftOffset   = -1000
	GossipOffset = -999
)

// ClientGRPCAddr returns the host:port that gRPC for clients listens on, when HTTP listens on port
// httpPort: GRPCAddr, else the port that SDKs look for, or a free one where HTTP took a free one.
func (s Settings) ClientGRPCAddr(httpPort int) string {
	return s.beside(s.GRPCAddr, httpPort, GRPCOffset)
}

// NodeAddrs returns the same for peer RPC, raft and gossip.
func (s Settings) NodeAddrs(httpPort int) (peer, raft, gossip string) {
	return s.beside(s.PeerAddr, httpPort, PeerOffset), s.beside(s.RaftAddr, httpPort, RaftOffset), s.beside(s.GossipAddr, httpPort, GossipOffset)
}

func (s Settings) beside(set string, httpPort, offset int) string {
	if set != "" {
		return set
	}
	host, port, err := net.SplitHostPort(s.HTTPAddr)
	if err != nil || port == "0" {
		return net.JoinHostPort(host, "0")
	}
	return net.JoinHostPort(host, strconv.Itoa(httpPort+offset))
}

// Key returns the cluster key, nil where none is set. Spaces around it do not count.
func (s Settings) Key() ([]byte, error) {
	text := s.ClusterKey
	if s.ClusterKeyFile != "" {
		b, err := os.ReadFile(s.ClusterKeyFile)
		if err != nil {
			return nil, s.sourced(wrong("cluster-key-file", s.ClusterKeyFile, "must be a file that can be read: %s", err))
		}
		text = string(b)
	}
	key := []byte(strings.TrimSpace(text))
	switch {
	case len(key) == 0 && s.ClusterKeyFile == "":
		return nil, nil
	case len(key) < minKey && s.ClusterKeyFile != "":
		return nil, s.sourced(wrong("cluster-key-file", s.ClusterKeyFile, "must hold a key of at least %d characters; `nacre cluster new-key` makes one", minKey))
	case len(key) < minKey:
		return nil, wrong(keyEnv, masked, "must be a key of at least %d characters; `nacre cluster new-key` makes one", minKey)
	}
	return key, nil
}

const (
	// minKey is how many bytes a cluster key has at least.
	minKey = 16
	// keyEnv is the environment variable that may hold it.
	keyEnv = EnvPrefix + "CLUSTER_KEY"
)

// BodyLimit returns the size in bytes of the largest request body that can be right: the largest
// content with each byte percent-encoded, or the largest ZIP, and some room for what stands around it.
func (s Settings) BodyLimit() int {
	return int(max(3*s.MaxConfigSize, s.ImportMaxZip) + 1<<20)
}
