package settings

import (
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// option is one setting: how it is called, explained, read and shown.
type option struct {
	name   string
	help   string // a sentence with the consequence
	values string // what may stand there, for help and messages
	def    string
	secret bool
	flag   bool // may stand without a value, which means on
	set    func(*Settings, string) error
	get    func(*Settings) string
}

const onOff = "on|off"

// options is the one list of all settings, in the order in which they are shown.
var options = []option{
	text("mode", "standalone|cluster", "standalone", "Run one node alone, or as one of a cluster.",
		func(s *Settings) *string { return &s.Mode }),
	text("data-dir", "DIR", "./data", "Folder that holds everything that must survive a restart.",
		func(s *Settings) *string { return &s.DataDir }),
	text("http-addr", "HOST:PORT", "127.0.0.1:8848", "Address of HTTP and console; anything but loopback needs --insecure.",
		func(s *Settings) *string { return &s.HTTPAddr }),
	text("grpc-addr", "HOST:PORT", "", "Address of gRPC for clients; default: http-addr's host, and its port + 1000, where SDKs look for it.",
		func(s *Settings) *string { return &s.GRPCAddr }),
	text("dns-addr", "HOST:PORT", "", "Address, UDP and TCP, of a DNS server for service.group.namespace.nacre.; without it there is none.",
		func(s *Settings) *string { return &s.DNSAddr }),
	text("udp-push", "source|claimed|off", "source", "Tell clients of 1.x over UDP at the address that they ask from; claimed: at the one that they name, which may be a stranger's.",
		func(s *Settings) *string { return &s.UDPPush }),
	text("advertise-addr", "HOST", "", "Host that other nodes and clients reach this one at; default: http-addr's, else the machine's first address.",
		func(s *Settings) *string { return &s.AdvertiseAddr }),
	text("peer-addr", "HOST:PORT", "", "Address of calls between nodes; default: http-addr's host, and its port + 1001, where other nodes look for it.",
		func(s *Settings) *string { return &s.PeerAddr }),
	text("raft-addr", "HOST:PORT", "", "Address of replication between nodes; default: http-addr's host, and its port - 1000.",
		func(s *Settings) *string { return &s.RaftAddr }),
	text("gossip-addr", "HOST:PORT", "", "Address, UDP and TCP, where nodes ask each other whether they are alive; default: http-addr's host, and its port - 999.",
		func(s *Settings) *string { return &s.GossipAddr }),
	text("cluster-conf", "FILE", "", "List of members in the format of Nacos' cluster.conf; its folder is watched, so it may change, and come later.",
		func(s *Settings) *string { return &s.ClusterConf }),
	list("members", "HOST:PORT,…", "Addresses of the cluster's members; a name that stands for several addresses is as many members.",
		func(s *Settings) *[]string { return &s.Members }),
	text("address-server", "URL", "", "Address server that answers the list of members, a line each, as Nacos asks it.",
		func(s *Settings) *string { return &s.AddressServer }),
	number("cluster-size", "0", "Members that must be there before a new cluster begins, 0 for all that are listed; 1 lets one begin alone.",
		func(s *Settings) *int { return &s.ClusterSize }),
	text("cluster-key-file", "FILE", "", "File with the key that all nodes of the cluster share, as `nacre cluster new-key` makes one; NACRE_CLUSTER_KEY may hold the key itself.",
		func(s *Settings) *string { return &s.ClusterKeyFile }),
	text("storage", "sqlite|mysql", "sqlite", "Keep everything in the data folder, or in a MySQL database.",
		func(s *Settings) *string { return &s.Storage }),
	secret(text("mysql-dsn", "DSN", "", "How to reach MySQL: user:password@tcp(host:3306)/database.",
		func(s *Settings) *string { return &s.MySQLDSN })),
	text("console-addr", "HOST:PORT", "", "Address of a second listener that serves the console alone.",
		func(s *Settings) *string { return &s.ConsoleAddr }),
	boolean("auth", "off", "Ask clients and people to log in.",
		func(s *Settings) *bool { return &s.Auth }),
	bare(boolean("insecure", "off", "Listen on other addresses than loopback although anybody there can then read and change everything.",
		func(s *Settings) *bool { return &s.Insecure })),

	text("log-format", "text|json", "text", "Form of the log on standard error.",
		func(s *Settings) *string { return &s.LogFormat }),
	{name: "log-level", values: "debug|info|warn|error", def: "info", help: "Least level that is logged.",
		set: setLevel, get: func(s *Settings) string { return strings.ToLower(s.LogLevel.String()) }},
	text("access-log", "on|sampled|off", "sampled", "Log each request, at most access-log-rate of them a second, or none.",
		func(s *Settings) *string { return &s.AccessLog }),
	number("access-log-rate", "10", "Requests that access-log=sampled logs in a second at most.",
		func(s *Settings) *int { return &s.AccessLogRate }),
	boolean("metrics", "on", "Serve Prometheus metrics at /metrics.",
		func(s *Settings) *bool { return &s.Metrics }),

	size("max-config-size", "10MiB", "Largest content that may be published; more is refused with 413.",
		func(s *Settings) *int64 { return &s.MaxConfigSize }),
	number("history-retention", "30", "Days that history is kept (Nacos: nacos.config.retention.days).",
		func(s *Settings) *int { return &s.HistoryRetention }),
	boolean("capacity-check", "off", "Refuse what exceeds a quota (Nacos: isCapacityLimitCheck).",
		func(s *Settings) *bool { return &s.CapacityCheck }),
	number("quota-cluster", "100000", "Configurations in all, with capacity-check on.",
		func(s *Settings) *int { return &s.QuotaCluster }),
	number("quota-group", "200", "Configurations in a group that has no quota of its own, with capacity-check on.",
		func(s *Settings) *int { return &s.QuotaGroup }),
	number("quota-namespace", "200", "Configurations in a namespace that has no quota of its own, with capacity-check on.",
		func(s *Settings) *int { return &s.QuotaNamespace }),
	size("quota-max-size", "102400", "Largest content where no other limit is set, with capacity-check on.",
		func(s *Settings) *int64 { return &s.QuotaMaxSize }),
	number("max-namespaces", "100000", "Namespaces that may be created.",
		func(s *Settings) *int { return &s.MaxNamespaces }),
	number("max-instances", "1000000", "Instances of services in all.",
		func(s *Settings) *int { return &s.MaxInstances }),
	number("max-instances-per-service", "100000", "Instances of one service.",
		func(s *Settings) *int { return &s.MaxInstancesPerService }),
	number("max-services", "200000", "Services that may be there.",
		func(s *Settings) *int { return &s.MaxServices }),
	number("max-services-per-client", "10000", "Services of which one client may register instances.",
		func(s *Settings) *int { return &s.MaxServicesPerClient }),
	number("max-subscriptions", "5000000", "Subscriptions to services in all.",
		func(s *Settings) *int { return &s.MaxSubscriptions }),
	number("max-subscriptions-per-client", "10000", "Services to which one client may subscribe.",
		func(s *Settings) *int { return &s.MaxSubscriptionsPerClient }),
	size("cache-budget", "0", "Contents held in memory, 0 for all; beyond it, rarely read ones are read from disk.",
		func(s *Settings) *int64 { return &s.CacheBudget }),

	boolean("api-compat-client", "on", "Answer the v1 and v2 paths of clients; off answers 410.",
		func(s *Settings) *bool { return &s.APICompatClient }),
	boolean("api-compat-admin", "on", "Answer the v1 and v2 paths of operators; off answers 410.",
		func(s *Settings) *bool { return &s.APICompatAdmin }),
	boolean("api-compat-console", "on", "Answer the v1 and v2 paths of Nacos' old console; off answers 410.",
		func(s *Settings) *bool { return &s.APICompatConsole }),

	list("trusted-proxies", "IP|NETWORK,…", "Proxies whose X-Forwarded-For says who the client is.",
		func(s *Settings) *[]string { return &s.TrustedProxies }),
	number("long-poll-max-waiting", "100000", "Long polls that may wait at once; each takes a few KiB.",
		func(s *Settings) *int { return &s.LongPollMaxWaiting }),
	size("grpc-max-message", "10MiB", "Largest message that a gRPC client may send (Nacos: nacos.remote.server.grpc.sdk.max-inbound-message-size).",
		func(s *Settings) *int64 { return &s.GRPCMaxMessage }),
	number("grpc-max-connections", "50000", "gRPC connections of clients that may be open at once; more are refused.",
		func(s *Settings) *int { return &s.GRPCMaxConnections }),
	number("grpc-max-connections-per-ip", "0", "gRPC connections that may come from one address, 0 for no limit.",
		func(s *Settings) *int { return &s.GRPCMaxConnectionsPerIP }),
	number("grpc-max-rate", "0", "Requests a second on one gRPC connection, 0 for no limit; more are answered with 503 after a second.",
		func(s *Settings) *int { return &s.GRPCMaxRate }),
	number("rebalance-skew", "50", "Percent of gRPC clients above the mean from which a node of a cluster sends the surplus, 20 or more, to the others; 0 for never.",
		func(s *Settings) *int { return &s.RebalanceSkew }),
	size("import-max-zip", "32MiB", "Largest ZIP that may be imported.",
		func(s *Settings) *int64 { return &s.ImportMaxZip }),
	size("import-max-unpacked", "256MiB", "Most that an imported ZIP may unpack to.",
		func(s *Settings) *int64 { return &s.ImportMaxUnpacked }),
	duration("console-session-idle", "12h0m0s", "Time after which a login that nobody uses ends; used ones end after 7 days.",
		func(s *Settings) *time.Duration { return &s.ConsoleSessionIdle }),
	boolean("console-gallery", "off", "Serve /console/gallery, which shows every part of the console, to those who work on it.",
		func(s *Settings) *bool { return &s.ConsoleGallery }),
	duration("drain-timeout", "10s", "Time that requests under way have left after SIGTERM.",
		func(s *Settings) *time.Duration { return &s.DrainTimeout }),
	text("config", "FILE", "", "YAML file with settings, one `name: value` a line.",
		func(s *Settings) *string { return &s.Config }),
}

func text(name, values, def, help string, at func(*Settings) *string) option {
	return option{name: name, values: values, def: def, help: help,
		set: func(s *Settings, v string) error { *at(s) = v; return nil },
		get: func(s *Settings) string { return *at(s) }}
}

func list(name, values, help string, at func(*Settings) *[]string) option {
	return option{name: name, values: values, help: help,
		set: func(s *Settings, v string) error {
			*at(s) = nil
			for item := range strings.SplitSeq(v, ",") {
				if item = strings.TrimSpace(item); item != "" {
					*at(s) = append(*at(s), item)
				}
			}
			return nil
		},
		get: func(s *Settings) string { return strings.Join(*at(s), ",") }}
}

func number(name, def, help string, at func(*Settings) *int) option {
	return option{name: name, values: "NUMBER", def: def, help: help,
		set: func(s *Settings, v string) error {
			n, err := strconv.Atoi(v)
			if err != nil {
				return wrong(name, v, "must be a whole number such as %s", def)
			}
			*at(s) = n
			return nil
		},
		get: func(s *Settings) string { return strconv.Itoa(*at(s)) }}
}

func size(name, def, help string, at func(*Settings) *int64) option {
	return option{name: name, values: "SIZE", def: def, help: help,
		set: func(s *Settings, v string) error {
			n, ok := parseSize(v)
			if !ok {
				return wrong(name, v, "must be a size: a number of bytes, or one with KiB, MiB, GiB, KB, MB or GB, such as %s", FormatSize(10<<20))
			}
			*at(s) = n
			return nil
		},
		get: func(s *Settings) string { return FormatSize(*at(s)) }}
}

func duration(name, def, help string, at func(*Settings) *time.Duration) option {
	return option{name: name, values: "DURATION", def: def, help: help,
		set: func(s *Settings, v string) error {
			d, err := time.ParseDuration(v)
			if err != nil {
				return wrong(name, v, "must be a duration with its unit, such as 10s or 1m")
			}
			*at(s) = d
			return nil
		},
		get: func(s *Settings) string { return at(s).String() }}
}

func boolean(name, def, help string, at func(*Settings) *bool) option {
	return option{name: name, values: onOff, def: def, help: help,
		set: func(s *Settings, v string) error {
			switch strings.ToLower(v) {
			case "on", "true", "yes", "1":
				*at(s) = true
			case "off", "false", "no", "0":
				*at(s) = false
			default:
				return wrong(name, v, "must be on or off")
			}
			return nil
		},
		get: func(s *Settings) string {
			if *at(s) {
				return "on"
			}
			return "off"
		}}
}

func secret(o option) option { o.secret = true; return o }

func bare(o option) option { o.flag = true; return o }

func setLevel(s *Settings, v string) error {
	switch strings.ToLower(v) {
	case "debug":
		s.LogLevel = slog.LevelDebug
	case "info":
		s.LogLevel = slog.LevelInfo
	case "warn":
		s.LogLevel = slog.LevelWarn
	case "error":
		s.LogLevel = slog.LevelError
	default:
		return wrong("log-level", v, "must be debug, info, warn or error")
	}
	return nil
}

var sizeUnits = []struct {
	suffix string
	bytes  int64
}{
	{"gib", 1 << 30}, {"mib", 1 << 20}, {"kib", 1 << 10},
	{"gb", 1e9}, {"mb", 1e6}, {"kb", 1e3}, {"b", 1}, {"", 1},
}

func parseSize(text string) (int64, bool) {
	low := strings.ToLower(strings.TrimSpace(text))
	for _, u := range sizeUnits {
		digits, ok := strings.CutSuffix(low, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 0 || n > (1<<62)/u.bytes {
			return 0, false
		}
		return n * u.bytes, true
	}
	return 0, false
}

// FormatSize returns n bytes as people write it: 10MiB, or the plain number where no unit fits.
func FormatSize(n int64) string {
	for _, u := range sizeUnits[:3] {
		if n >= u.bytes && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + strings.ToUpper(u.suffix[:1]) + "iB"
		}
	}
	return strconv.FormatInt(n, 10)
}
