package server

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"nacre/server/auth"
	"nacre/server/fault"
	"nacre/server/metrics"
	"nacre/server/naming"
	"nacre/server/release"
	"nacre/server/rpc"
	"nacre/server/settings"
	"nacre/web"
	"nacre/web/api/nacre"
	v1 "nacre/web/api/v1"
	v2 "nacre/web/api/v2"
	v3 "nacre/web/api/v3"
	"nacre/web/api/wire"
	"nacre/web/console"
	"nacre/web/live"
	"nacre/web/udp"
)

// edges makes the HTTP side and registers every path.
func (s *Server) edges() (err error) {
	set := s.settings
	s.rpc = rpc.New(rpc.Config{
		Configs: s.configs, Ledger: s.ledger, Fuzzy: s.fuzzy, Naming: s.naming, Clock: s.opts.Clock, Log: s.opts.Log, Ready: s.Ready, Count: s.metrics.Reads("grpc"),
		Limits: rpc.Limits{Message: int(set.GRPCMaxMessage), Connections: set.GRPCMaxConnections, PerIP: set.GRPCMaxConnectionsPerIP, Rate: set.GRPCMaxRate},
	})
	cfg := web.Config{Settings: s.settings, Clock: s.opts.Clock, Log: s.opts.Log, Ready: s.notReady,
		HTTP2:      s.rpc.Handle,
		Leaving:    s.feed.Drained,
		PollHeader: v1.PollHeader, Count: s.metrics.Requests().Count}
	if s.settings.Metrics {
		cfg.Metrics = http.HandlerFunc(s.serveMetrics)
	}
	if s.web, err = web.New(cfg); err != nil {
		return err
	}
	if s.udpConn != nil {
		s.datagrams = udp.New(udp.Config{Registry: s.naming, Log: s.opts.Log, Claimed: set.UDPPush == settings.UDPClaimed})
	}
	app := s.web.App()
	v1.Register(app, v1.Deps{Deps: s.deps("v1"), Park: s.web.Parker()})
	v2.Register(app, v2.Deps{Deps: s.deps("v2")})
	v3.Register(app, v3.Deps{Deps: s.deps("v3")})
	pages := console.Deps{
		Configs: s.configs, Namespaces: s.namespaces, Naming: s.naming, Auth: s.users, Drafts: s.drafts, Delivery: s.ledger, Feed: s.feed, Search: s.search, Transfer: s.transfer,
		Settings: s.settings, Clock: s.opts.Clock, Log: s.opts.Log, Started: s.started, Version: release.Version,
		Port: s.port, GRPCPort: s.grpc.Addr().(*net.TCPAddr).Port, Ready: s.Ready, ClientIP: s.web.ClientIP, Draining: s.web.Draining(), Nodes: s.nodes, Operator: s.operator(),
	}
	readers := console.FeedReaders(pages)
	own := nacre.Deps{Deps: s.deps("nacre"), Version: release.Version, Node: s.nodeState, Feed: s.feed, Draining: s.web.Draining(), Readers: readers,
		Search: s.search, Archives: s.archives()}
	if s.cluster != nil {
		own.Members = operated{s}
	}
	nacre.Register(app, own)
	console.Register(app, pages)
	live.Register(app, live.Deps{Feed: s.feed, Log: s.opts.Log, Permit: readers, Draining: s.web.Draining()})
	return nil
}

// Users returns the service of users, for tests that look behind the edges.
func (s *Server) Users() *auth.Service { return s.users }

// Naming returns the registry, for tests that look behind the edges.
func (s *Server) Naming() *naming.Registry { return s.naming }

// deps are what the API of that name works on.
func (s *Server) deps(api string) wire.Deps {
	set := s.settings
	deps := wire.Deps{
		Configs: s.configs, Naming: s.naming, Delivery: s.ledger, Clients: clients{s}, Nodes: s.nodes, Cluster: s.wireCluster(), Machine: s.load, Namespaces: s.namespaces, Transfer: s.transfer, Clock: s.opts.Clock, Log: s.opts.Log,
		Switches: wire.Switches{Clients: set.APICompatClient, Admins: set.APICompatAdmin, Console: set.APICompatConsole},
		ClientIP: s.web.ClientIP, Ready: s.Ready, Reads: s.metrics.Reads(api), SetLogLevel: s.setLogLevel,
		Info: wire.ServerInfo{
			Version: release.Version, Cluster: set.Mode == settings.ModeCluster, Port: s.port, GRPCPort: s.grpc.Addr().(*net.TCPAddr).Port, Address: s.Addr(), AuthEnabled: set.Auth,
			MySQL: set.Storage == settings.StorageMySQL, RetentionDays: set.HistoryRetention, CapacityCheck: set.CapacityCheck,
			QuotaCluster: set.QuotaCluster, QuotaGroup: set.QuotaGroup, QuotaNamespace: set.QuotaNamespace,
			QuotaMaxSize: set.QuotaMaxSize, MaxContent: set.MaxConfigSize,
		},
	}
	switch {
	case s.mysql != nil:
		deps.Strong = s.mysql.Strong
	case s.cluster != nil:
		deps.Strong = s.node.Strong
	}
	if s.datagrams != nil {
		deps.Subscribed = s.datagrams.Subscribed
	}
	return deps
}

func (s *Server) notReady() []string {
	if err := s.Ready(); err != nil {
		return []string{fault.TextOf(err)}
	}
	return nil
}

func (s *Server) setLogLevel(word string) error {
	if s.opts.Level == nil {
		return fault.New(fault.Invalid, "the level of this server's log can't be changed while it runs")
	}
	if err := s.opts.Level.UnmarshalText([]byte(strings.TrimSpace(word))); err != nil {
		return fault.Wrap(fault.Invalid, err, "log level %q is not known; debug, info, warn and error are", word)
	}
	return nil
}

func (s *Server) nodeState() nacre.Node {
	st := s.stats()
	written, _ := s.written()
	groups, commands := s.group.Stats()
	return nacre.Node{
		Name: s.keeper.ID(), Role: s.role(), Storage: s.storage(), StartedMs: s.started.UnixMilli(),
		Journal: nacre.Journal{AppliedIndex: st.AppliedIndex, WrittenIndex: written, Groups: groups, Commands: commands, Syncs: st.Fsyncs},
	}
}

// storage is what the APIs call the place where everything is kept.
func (s *Server) storage() string {
	if s.mysql != nil {
		return settings.StorageMySQL
	}
	return "embedded"
}

// role is what the node is: standalone, or in a cluster leader or follower.
func (s *Server) role() string {
	switch {
	case s.cluster == nil:
		return settings.ModeStandalone
	case s.Leads():
		return "leader"
	}
	return "follower"
}

func (s *Server) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", metrics.ContentType)
	if err := s.metrics.WriteText(w); err != nil {
		s.opts.Log.Warn("metrics could not be written", "error", err)
	}
}

// sources are where metrics come from when somebody asks for them.
func (s *Server) sources() metrics.Sources {
	var database func() metrics.Database
	if s.mysql != nil {
		database = s.databaseFigures
	}
	return metrics.Sources{
		Database: database,
		Writes: func() metrics.Writes {
			w := s.configs.WriteStats()
			return metrics.Writes{Published: w.Published, Removed: w.Removed, Refused: w.Refused, Failed: w.Failed}
		},
		Held: func() metrics.Held {
			st := s.configs.Stats()
			return metrics.Held{Configs: st.Configs, Grays: st.Grays, Namespaces: int64(s.namespaces.Len()) + 1, ContentBytes: st.Bytes}
		},
		Waiting: s.ledger.Waiting,
		Groups:  s.group.Stats,
		Queued:  s.group.Waiting,
		Fsyncs:  func() uint64 { return s.stats().Fsyncs },
		Image: func() metrics.Image {
			written, behind := s.written()
			return metrics.Image{Applied: s.stats().AppliedIndex, Written: written, BehindBytes: behind}
		},
		Polls: func() metrics.Polls {
			p := s.web.Stats().Polls
			return metrics.Polls{Answered: p.Answered, TimedOut: p.TimedOut, Gone: p.Gone, Refused: p.Refused}
		},
		Conns: func() metrics.Conns {
			c := s.web.Stats().Conns
			return metrics.Conns{Open: c.Open, Accepted: c.Accepted}
		},
		GRPC: func() metrics.GRPC {
			g := s.rpc.Stats()
			return metrics.GRPC{Open: g.Open, Registered: g.Registered, Accepted: g.Accepted, Refused: g.Refused, Requests: g.Requests, Failed: g.Wrong, Silent: g.Silent}
		},
		Delivery: func() metrics.Delivery {
			d := s.ledger.Summary()
			return metrics.Delivery{
				GRPCClients: int64(d.GRPCClients), HTTPClients: int64(d.HTTPClients), Listeners: int64(d.Listenings),
				Behind: int64(d.Behind - d.Looping), Looping: int64(d.Looping), Pushes: d.Pushes, Acks: d.Acks, Resent: d.Resent,
			}
		},
		Feed: func() metrics.Feed {
			readers, cut := s.feed.Readers()
			return metrics.Feed{Events: s.feed.Count(), Readers: readers, Cut: cut}
		},
		Naming: func() metrics.Naming {
			n := s.naming.Stats()
			return metrics.Naming{
				Services: n.Services, Instances: n.Instances, Subscriptions: n.Subscriptions,
				Connections: n.Connections, Beating: n.BeatClients, Persistent: n.LastingClients, Datagram: n.Datagrams,
				Waiting: int64(n.Dirty), Behind: int64(n.Owing),
				RegisteredTotal: n.Registered, DeregisteredTotal: n.Deregistered, HeartbeatsTotal: n.Beats, UnhealthyTotal: n.Unhealthy, ExpiredTotal: n.Expired,
				PushesTotal: n.Pushes, AcksTotal: n.Acks, ResentTotal: n.Resent,
			}
		},
		Ready:  func() bool { return s.Ready() == nil },
		Leader: func() bool { return s.stats().State == "leader" },
		DataBytes: func() (database, log int64) {
			return fileSize(filepath.Join(s.settings.DataDir, imageFile)), int64(s.stats().LogBytes)
		},
	}
}

func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
