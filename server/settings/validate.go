package settings

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// notYet are settings that belong to what this version does not have.
var notYet = []struct {
	name, feature string
}{
	{"console-addr", "a listener for the console alone; it is served on http-addr"},
}

// Validate returns nil when a server can run with s, else one *Error for each setting that is wrong,
// joined.
func (s Settings) Validate() error {
	var errs []error
	add := func(e *Error) {
		if e != nil {
			errs = append(errs, s.sourced(e))
		}
	}
	add(oneOf("mode", s.Mode, ModeStandalone, ModeCluster))
	s.checkCluster(add)
	add(oneOf("storage", s.Storage, StorageSQLite, StorageMySQL))
	switch mysql := s.Storage == StorageMySQL; {
	case mysql && s.MySQLDSN == "":
		add(wrong("mysql-dsn", "", "storage %s needs it: user:password@tcp(host:3306)/database", StorageMySQL))
	case mysql && s.RaftAddr != "":
		add(wrong("raft-addr", s.RaftAddr, "counts with storage %s alone; leave this out", StorageSQLite))
	case !mysql && s.MySQLDSN != "":
		add(wrong("mysql-dsn", s.MySQLDSN, "counts with storage %s alone; set that, or leave this out", StorageMySQL))
	}
	if s.Auth {
		add(wrong("auth", "on", "this version does not ask applications for a login yet, only people in the console; it runs with auth off, on a loopback address"))
	}
	for _, n := range notYet {
		if v := find(n.name).get(&s); v != "" {
			add(wrong(n.name, v, "this version does not have %s yet; leave it out", n.feature))
		}
	}
	if s.CacheBudget > 0 {
		add(wrong("cache-budget", FormatSize(s.CacheBudget), "this version holds all contents in memory and cannot hold less yet; it runs with cache-budget 0"))
	}
	if strings.TrimSpace(s.DataDir) == "" {
		add(wrong("data-dir", s.DataDir, "must name a folder, such as ./data"))
	}
	const everything = "read and change every configuration"
	add(s.checkAddr("http-addr", s.HTTPAddr, "127.0.0.1:8848", everything))
	if s.GRPCAddr != "" {
		add(s.checkAddr("grpc-addr", s.GRPCAddr, "127.0.0.1:9848", everything))
	} else if _, port, err := net.SplitHostPort(s.HTTPAddr); err == nil {
		if n, err := strconv.Atoi(port); err == nil && n <= 65535 && n+GRPCOffset > 65535 {
			add(wrong("http-addr", s.HTTPAddr, "leaves no port for gRPC, which SDKs look for at the port + %d; use a port up to %d, or set grpc-addr", GRPCOffset, 65535-GRPCOffset))
		}
	}
	if s.DNSAddr != "" {
		add(s.checkAddr("dns-addr", s.DNSAddr, "127.0.0.1:8853", "find the addresses of every service"))
	}
	add(oneOf("udp-push", s.UDPPush, UDPSource, UDPClaimed, UDPOff))
	add(oneOf("log-format", s.LogFormat, LogText, LogJSON))
	add(oneOf("access-log", s.AccessLog, AccessOn, AccessSampled, AccessOff))
	for _, r := range ranges {
		if n := r.get(&s); n < r.min || n > r.max {
			add(wrong(r.name, find(r.name).get(&s), "must be between %s and %s", r.show(r.min), r.show(r.max)))
		}
	}
	if s.ImportMaxUnpacked < s.MaxConfigSize {
		add(wrong("import-max-unpacked", FormatSize(s.ImportMaxUnpacked), "must not be below max-config-size, which is %s", FormatSize(s.MaxConfigSize)))
	}
	if s.DrainTimeout < 0 || s.DrainTimeout > 10*time.Minute {
		add(wrong("drain-timeout", s.DrainTimeout.String(), "must be between 0s and 10m"))
	}
	if s.ConsoleSessionIdle < time.Minute || s.ConsoleSessionIdle > 7*24*time.Hour {
		add(wrong("console-session-idle", s.ConsoleSessionIdle.String(), "must be between 1m and 168h"))
	}
	for _, p := range s.TrustedProxies {
		if _, err := netip.ParseAddr(p); err == nil {
			continue
		}
		if _, err := netip.ParsePrefix(p); err != nil {
			add(wrong("trusted-proxies", p, "must be addresses or networks such as 10.0.0.7 or 10.0.0.0/8"))
		}
	}
	return errors.Join(errs...)
}

// forClusters are settings that say nothing to a node that is alone.
var forClusters = []string{"peer-addr", "raft-addr", "gossip-addr", "cluster-conf", "members", "address-server", "cluster-key-file"}

// checkCluster checks what belongs to clusters.
func (s Settings) checkCluster(add func(*Error)) {
	if strings.ContainsAny(s.AdvertiseAddr, " /:,") && net.ParseIP(s.AdvertiseAddr) == nil || len(s.AdvertiseAddr) > 200 {
		add(wrong("advertise-addr", s.AdvertiseAddr, "must be a host without a port, such as 10.0.0.1"))
	}
	if s.Mode != ModeCluster {
		for _, name := range forClusters {
			if v := find(name).get(&s); v != "" {
				add(wrong(name, v, "counts with mode %s alone; set that, or leave this out", ModeCluster))
			}
		}
		return
	}
	if s.ClusterConf == "" && len(s.Members) == 0 && s.AddressServer == "" {
		add(wrong("mode", s.Mode, "needs to know who the members are: set members, cluster-conf or address-server"))
	}
	if u, err := url.Parse(s.AddressServer); s.AddressServer != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		add(wrong("address-server", s.AddressServer, "must be a URL, such as http://10.0.0.1:8080/nacos/serverlist"))
	}
	if key, err := s.Key(); err != nil {
		var e *Error
		errors.As(err, &e)
		add(e)
	} else if key == nil && !s.Insecure {
		add(wrong("cluster-key-file", "", "a cluster needs a key, so that nobody else can join it: make one with `nacre cluster new-key`, and give it to all nodes "+
			"with cluster-key-file or %s; or give --insecure to let everybody join who reaches its ports", keyEnv))
	}
	_, port, _ := net.SplitHostPort(s.HTTPAddr)
	p, _ := strconv.Atoi(port)
	for _, a := range []struct {
		name, addr string
		offset     int
	}{{"peer-addr", s.PeerAddr, PeerOffset}, {"raft-addr", s.RaftAddr, RaftOffset}, {"gossip-addr", s.GossipAddr, GossipOffset}} {
		if a.addr != "" {
			host, port, err := net.SplitHostPort(a.addr)
			n, bad := strconv.Atoi(port)
			if err != nil || bad != nil || n < 0 || n > 65535 || strings.ContainsAny(host, " /,") {
				add(wrong(a.name, a.addr, "must be host:port, such as 10.0.0.1:%d", 8848+a.offset))
			}
		} else if a.name == "raft-addr" && s.Storage == StorageMySQL {
			continue // there is none
		} else if p != 0 && (p+a.offset < 1 || p+a.offset > 65535) {
			add(wrong("http-addr", s.HTTPAddr, "leaves no port for other nodes at the port %+d; use another port, or set %s", a.offset, a.name))
		}
	}
}

// checkAddr checks an address to listen on; could is what anybody who reaches it could do.
func (s Settings) checkAddr(name, addr, example, could string) *Error {
	must := "must be host:port, such as " + example
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return wrong(name, addr, "%s", must)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return wrong(name, addr, "%s, with a port up to 65535", must)
	}
	if !s.Insecure && !loopback(host) {
		return wrong(name, addr, "this version does not ask applications for a login yet, so anybody who reaches this address "+
			"could %s; use a loopback address such as 127.0.0.1:%s, or give --insecure to accept that", could, port)
	}
	return nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

func oneOf(name, value string, allowed ...string) *Error {
	if slices.Contains(allowed, value) {
		return nil
	}
	last := len(allowed) - 1
	return wrong(name, value, "must be %s or %s", strings.Join(allowed[:last], ", "), allowed[last])
}

func plain(n int64) string { return strconv.FormatInt(n, 10) }

var ranges = []struct {
	name     string
	get      func(*Settings) int64
	min, max int64
	show     func(int64) string
}{
	{"access-log-rate", func(s *Settings) int64 { return int64(s.AccessLogRate) }, 1, 1e6, plain},
	{"max-config-size", func(s *Settings) int64 { return s.MaxConfigSize }, 1 << 10, 64 << 20, FormatSize},
	{"cluster-size", func(s *Settings) int64 { return int64(s.ClusterSize) }, 0, 1000, plain},
	{"history-retention", func(s *Settings) int64 { return int64(s.HistoryRetention) }, 1, 36500, plain},
	{"quota-cluster", func(s *Settings) int64 { return int64(s.QuotaCluster) }, 1, 1e9, plain},
	{"quota-group", func(s *Settings) int64 { return int64(s.QuotaGroup) }, 1, 1e9, plain},
	{"quota-namespace", func(s *Settings) int64 { return int64(s.QuotaNamespace) }, 1, 1e9, plain},
	{"quota-max-size", func(s *Settings) int64 { return s.QuotaMaxSize }, 1, 1 << 30, FormatSize},
	{"max-namespaces", func(s *Settings) int64 { return int64(s.MaxNamespaces) }, 1, 1e6, plain},
	{"max-instances", func(s *Settings) int64 { return int64(s.MaxInstances) }, 1, 1e8, plain},
	{"max-instances-per-service", func(s *Settings) int64 { return int64(s.MaxInstancesPerService) }, 1, 1e7, plain},
	{"max-services", func(s *Settings) int64 { return int64(s.MaxServices) }, 1, 1e7, plain},
	{"max-services-per-client", func(s *Settings) int64 { return int64(s.MaxServicesPerClient) }, 1, 1e6, plain},
	{"max-subscriptions", func(s *Settings) int64 { return int64(s.MaxSubscriptions) }, 1, 1e9, plain},
	{"max-subscriptions-per-client", func(s *Settings) int64 { return int64(s.MaxSubscriptionsPerClient) }, 1, 1e6, plain},
	{"cache-budget", func(s *Settings) int64 { return s.CacheBudget }, 0, 1 << 50, FormatSize},
	{"long-poll-max-waiting", func(s *Settings) int64 { return int64(s.LongPollMaxWaiting) }, 1, 1e7, plain},
	{"grpc-max-message", func(s *Settings) int64 { return s.GRPCMaxMessage }, 64 << 10, 256 << 20, FormatSize},
	{"grpc-max-connections", func(s *Settings) int64 { return int64(s.GRPCMaxConnections) }, 1, 1e7, plain},
	{"grpc-max-connections-per-ip", func(s *Settings) int64 { return int64(s.GRPCMaxConnectionsPerIP) }, 0, 1e7, plain},
	{"grpc-max-rate", func(s *Settings) int64 { return int64(s.GRPCMaxRate) }, 0, 1e7, plain},
	{"rebalance-skew", func(s *Settings) int64 { return int64(s.RebalanceSkew) }, 0, 1e4, plain},
	{"import-max-zip", func(s *Settings) int64 { return s.ImportMaxZip }, 1 << 10, 1 << 30, FormatSize},
	{"import-max-unpacked", func(s *Settings) int64 { return s.ImportMaxUnpacked }, 1 << 10, 1 << 40, FormatSize},
}
