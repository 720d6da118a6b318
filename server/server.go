package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"nacre/server/auth"
	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/config/search"
	"nacre/server/config/transfer"
	"nacre/server/dns"
	"nacre/server/draft"
	"nacre/server/external"
	"nacre/server/fault"
	"nacre/server/feed"
	"nacre/server/fuzzy"
	"nacre/server/journal"
	"nacre/server/metrics"
	"nacre/server/metrics/series"
	"nacre/server/namespace"
	"nacre/server/naming"
	"nacre/server/probe"
	"nacre/server/replica"
	"nacre/server/rpc"
	"nacre/server/settings"
	"nacre/server/store"
	"nacre/server/view"
	"nacre/web"
	"nacre/web/api/wire"
	"nacre/web/udp"
)

// imageFile is the name of the database in the data folder.
const imageFile = "nacre.db"

// Options are what a server is given beside its settings. Zero values mean the defaults.
type Options struct {
	Log *slog.Logger
	// Level is the level of Log, for APIs that change it; nil when it can't be changed.
	Level *slog.LevelVar
	Clock clock.Clock
	// AdminPassword, when not empty, is that of the first administrator, who is called nacos; it counts at the first start only.
	AdminPassword string
	// Fatal ends the process after a failure that leaves unknown what is on disk. Default: log it and exit with 1.
	Fatal func(error)
}

// Server is one node: its parts, put together and loaded, but not running yet.
type Server struct {
	settings settings.Settings
	opts     Options
	started  time.Time

	lock       *replica.Lock
	keeper     keeper
	node       *replica.Node // nil, as image, where the database is MySQL
	image      *store.Image
	mysql      *external.Node // nil where it is in the data folder
	group      *journal.Group
	configs    *config.Service
	ledger     *delivery.Ledger
	fuzzy      *fuzzy.Index[config.Key]
	search     *search.Index
	load       *wire.Machine
	feed       *feed.Feed
	nodes      *view.Nodes
	namespaces *namespace.Service
	naming     *naming.Registry
	probes     *probe.Runner
	transfer   *transfer.Service
	users      *auth.Service
	drafts     *draft.Service
	metrics    *metrics.Registry
	series     *series.Series
	web        *web.Server
	rpc        *rpc.Server
	cluster    *membership // nil where the server is alone
	listener   net.Listener
	grpc       net.Listener
	port       int
	dnsUDP     net.PacketConn // nil, as dnsTCP, where there is no DNS
	dnsTCP     net.Listener
	datagrams  *udp.Pusher // nil, as udpConn, where nobody is told over UDP
	udpConn    *net.UDPConn

	closing sync.Once
}

// Run runs a server with these settings until ctx ends and it has stopped.
func Run(ctx context.Context, s settings.Settings, log *slog.Logger, level *slog.LevelVar) error {
	srv, err := New(ctx, s, Options{Log: log, Level: level, Clock: clock.FromEnv(), AdminPassword: os.Getenv("NACRE_ADMIN_PASSWORD")})
	if err != nil {
		return err
	}
	return srv.Run(ctx)
}

// New builds a server: it takes the data folder, reads and checks what is in it, loads memory, and
// listens. Nobody is answered before Run. What it took is given back when it fails, else by Run or Close.
func New(ctx context.Context, s settings.Settings, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	srv := &Server{settings: s, opts: o, started: o.Clock.Now()}
	if err := srv.build(ctx); err != nil {
		return nil, errors.Join(err, srv.Close())
	}
	return srv, nil
}

func (s *Server) build(ctx context.Context) (err error) {
	if s.listener, err = web.Listen(s.settings.HTTPAddr); err != nil {
		return err
	}
	s.port = s.listener.Addr().(*net.TCPAddr).Port
	if s.grpc, err = web.Listen(s.settings.ClientGRPCAddr(s.port)); err != nil {
		return fmt.Errorf("%w; that is where SDKs look for gRPC, another address can be set with grpc-addr", err)
	}
	if s.settings.DNSAddr != "" {
		if s.dnsUDP, s.dnsTCP, err = dns.Listen(s.settings.DNSAddr); err != nil {
			return err
		}
	}
	if s.settings.UDPPush != settings.UDPOff {
		if s.udpConn, err = udp.Listen(s.listener.Addr().(*net.TCPAddr)); err != nil {
			return err
		}
	}
	if s.settings.Mode == settings.ModeCluster {
		if err = s.openCluster(); err != nil {
			return err
		}
	}
	if s.lock, err = replica.LockDir(s.settings.DataDir); err != nil {
		return err
	}
	m := s.domains()
	open := s.openEmbedded
	if s.settings.Storage == settings.StorageMySQL {
		open = s.openMySQL
	}
	if err = open(ctx, m); err != nil {
		return err
	}
	s.group = journal.NewGroup(s.keeper, journal.GroupConfig{OnGroup: func(n int) { s.metrics.GroupSize().Observe(float64(n)) }})
	var queries config.Queries = s.image
	var contents draft.Contents = s.image
	if s.mysql != nil {
		queries, contents = s.mysql.Queries(), s.mysql
	}
	s.configs.Use(timed{s.group, s.observeChange}, queries)
	s.namespaces.Use(s.group)
	s.naming.Use(s.group)
	s.users.Use(s.group)
	s.drafts.Use(s.group, contents)
	s.metrics = metrics.New(s.sources())
	s.series = s.figures()
	return s.edges()
}

// domains makes the services of the domains and the machine that holds their state.
func (s *Server) domains() *machine {
	set := s.settings
	m := &machine{}
	s.fuzzy, s.load = fuzzy.NewIndex[config.Key](), new(wire.Machine)
	s.feed = feed.New(s.opts.Clock, feed.DefaultEvents)
	s.ledger = delivery.New(delivery.Config{
		Clock:    s.opts.Clock,
		Item:     func(k config.Key) *config.Item { return m.configs.Get(k) },
		Revision: func() uint64 { return m.configs.Revision() },
		Events:   s.deliveryNews,
		Acked:    s.observePush,
	})
	s.search = search.New(search.Source{
		Get:  func(k config.Key) *config.Item { return m.configs.Get(k) },
		Each: func(f func(config.Key, *config.Item) bool) { m.configs.Each(f) },
		Listeners: func(k config.Key) (all, behind int) {
			now := s.ledger.Standing(k)
			return now.Listeners, now.Behind
		},
	})
	s.configs, m.configs = config.New(s.opts.Clock, config.Options{
		MaxContent: int(set.MaxConfigSize), Retention: time.Duration(set.HistoryRetention) * 24 * time.Hour,
		Quota: config.Quota{
			Check: set.CapacityCheck, Cluster: int64(set.QuotaCluster), Group: int64(set.QuotaGroup),
			Namespace: int64(set.QuotaNamespace), MaxSize: set.QuotaMaxSize,
		},
		Changed:  []func(config.Key, *config.Item, *config.Item){s.ledger.Changed, config.Appeared(s.fuzzy.Changed), s.search.Changed},
		Happened: s.configNews,
	})
	s.namespaces, m.namespaces = namespace.New(s.opts.Clock, namespace.Options{MaxCount: int64(set.MaxNamespaces), Happened: s.namespaceNews})
	s.naming, m.naming = naming.New(naming.Config{
		MaxInstances: int64(set.MaxInstances), MaxPerService: int64(set.MaxInstancesPerService), MaxServices: int64(set.MaxServices),
		MaxPublished: set.MaxServicesPerClient, MaxSubscriptions: int64(set.MaxSubscriptions), MaxSubscribed: set.MaxSubscriptionsPerClient,
		Clock: s.opts.Clock, Events: s.namingNews,
		PersistentChanged: func(before, after *naming.Persistent) { s.probes.Changed(before, after) },
		ClusterChanged:    func(k naming.Key, cluster string) { s.probes.ClusterChanged(k, cluster) },
	})
	s.probes = probe.NewRunner(probed{s.naming, s.Leads}, m.naming.Cluster)
	s.transfer = transfer.New(s.configs, s.namespaces.Exists, transfer.Limits{MaxUnpacked: set.ImportMaxUnpacked})
	s.users, m.users = auth.New(s.opts.Clock, auth.Options{SessionIdle: set.ConsoleSessionIdle})
	s.nodes = s.views()
	s.drafts, m.drafts = draft.New(s.opts.Clock, draft.Options{MaxContent: int(set.MaxConfigSize)})
	return m
}

func (s *Server) observeFsync(d time.Duration) {
	if s.metrics != nil {
		s.metrics.FsyncSeconds().Observe(d.Seconds())
	}
}

// Addr returns the address that the server listens on.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// GRPCAddr returns the address that the server listens on for gRPC.
func (s *Server) GRPCAddr() string { return s.grpc.Addr().String() }

// DNSAddr returns the address that the server answers DNS on, "" where it does not.
func (s *Server) DNSAddr() string {
	if s.dnsTCP == nil {
		return ""
	}
	return s.dnsTCP.Addr().String()
}

// Delivery returns the ledger of who listens for what, for tests that look behind the edges.
func (s *Server) Delivery() *delivery.Ledger { return s.ledger }

// Configs returns the service of configurations, for tests that look behind the edges.
func (s *Server) Configs() *config.Service { return s.configs }

// Ready returns nil when the server may be sent requests, else a fault whose text says why not. It does not block.
func (s *Server) Ready() error {
	if err := s.cluster.waiting(); err != nil {
		return err
	}
	if err := s.keeper.Ready(); err != nil || s.image == nil {
		return err
	}
	return s.image.Err()
}

const (
	// readyWait is how long serving waits for the journal; after it, a node without a leader serves what it has.
	readyWait = 10 * time.Second
	// retentionEvery is how often history is trimmed, as in Nacos.
	retentionEvery = 10 * time.Minute
)

// Run serves until ctx ends, then stops in order: not ready, polls answered, requests drained,
// writes committed, image written. The error is nil when it was told to stop.
func (s *Server) Run(ctx context.Context) error {
	// Each stage outlives those that need it: requests need the journal, the journal needs the node.
	nodesCtx, stopNodes := context.WithCancel(context.WithoutCancel(ctx))
	nodeCtx, stopNode := context.WithCancel(context.WithoutCancel(ctx))
	groupCtx, stopGroup := context.WithCancel(context.WithoutCancel(ctx))
	defer stopNodes()
	defer stopNode()
	defer stopGroup()
	run, runCtx := errgroup.WithContext(ctx)
	var nodes, node, group errgroup.Group
	clusterEnded := make(chan struct{})
	nodes.Go(func() error {
		defer close(clusterEnded)
		return s.runCluster(nodesCtx)
	})
	nodeEnded, serving := make(chan struct{}), make(chan struct{})
	node.Go(func() error {
		defer close(nodeEnded)
		return s.keeper.Run(nodeCtx)
	})
	group.Go(func() error { return s.group.Run(groupCtx) })
	run.Go(func() error { return s.serve(runCtx, serving) })
	run.Go(func() error { return s.verify(runCtx) })
	run.Go(func() error { return tuneMemory(runCtx) })
	run.Go(func() error { return s.ledger.Run(runCtx) })
	run.Go(func() error { return s.naming.Run(runCtx) })
	run.Go(func() error { return s.users.Run(runCtx, s.logUpkeep("sessions")) })
	run.Go(func() error {
		return s.whileLeading(runCtx, func(ctx context.Context) error { return s.drafts.Run(ctx, s.logUpkeep("drafts")) })
	})
	run.Go(func() error { return s.tellCluster(runCtx) })
	run.Go(func() error { return s.welcomeLater(runCtx, serving) })
	run.Go(func() error { return s.copyClients(runCtx) })
	run.Go(func() error { return s.stateNews(runCtx, serving) })
	run.Go(func() error { return s.serveDNS(runCtx, serving) })
	run.Go(func() error { return s.serveUDP(runCtx) })
	run.Go(func() error { return s.series.Run(runCtx) })
	run.Go(func() error { return s.nodes.Run(runCtx) })
	run.Go(func() error {
		if s.keeper.WaitReady(runCtx) != nil {
			return nil
		}
		return s.probes.Run(runCtx)
	})
	run.Go(func() error { return s.whileLeading(runCtx, s.naming.Tidy) })
	run.Go(func() error {
		return s.whileLeading(runCtx, func(ctx context.Context) error { return s.configs.RunRetention(ctx, retentionEvery, s.logRetention) })
	})
	run.Go(func() error {
		select {
		case <-runCtx.Done():
			return nil
		case <-nodeEnded:
			return errors.New("the journal ended, so nothing can be written any more")
		case <-clusterEnded:
			return errors.New("other nodes can't be reached any more")
		case <-s.imageFailed():
			return fmt.Errorf("the database can't be written: %w", s.image.Err())
		}
	})
	err := run.Wait()
	stopGroup()
	err = errors.Join(err, group.Wait())
	stopNode()
	err = errors.Join(err, node.Wait())
	stopNodes()
	err = errors.Join(err, nodes.Wait())
	return errors.Join(err, s.Close())
}

// serve answers requests until ctx ends, and then drains. It closes serving when it begins.
func (s *Server) serve(ctx context.Context, serving chan<- struct{}) error {
	wait, cancel := context.WithTimeout(ctx, readyWait)
	err := s.keeper.WaitReady(wait)
	cancel()
	if err != nil && ctx.Err() == nil {
		s.opts.Log.Warn("serving what this node has, though it is not ready", "why", fault.TextOf(err))
	}
	s.waitForClients(ctx)
	s.feed.Open() // what the journal repeated until now is no news
	close(serving)
	served := make(chan error, 3)
	go func() { served <- s.web.Serve(s.listener) }()
	go func() { served <- s.rpc.Serve(s.grpc) }()
	go func() { served <- s.rpc.Run(context.WithoutCancel(ctx)) }()
	left := cap(served)
	if s.cluster == nil && s.mysql == nil {
		s.welcome(ctx)
	}
	s.opts.Log.Info("serving", "url", "http://"+s.Addr()+"/", "grpc", s.GRPCAddr(), "configs", s.configs.Stats().Configs,
		"after", clock.Since(s.opts.Clock, s.started).Round(time.Millisecond))
	select {
	case err = <-served:
		left--
	case <-ctx.Done():
		err = nil
	}
	s.feed.Append(feed.Event{Kind: feed.ServerState, Node: s.nodeName(), Text: "stopping"})
	err = errors.Join(err, s.shutdown(context.WithoutCancel(ctx)))
	for range left {
		err = errors.Join(err, <-served)
	}
	return err
}

// serveDNS answers DNS queries from when serving is closed until ctx ends, where there is an address for them.
func (s *Server) serveDNS(ctx context.Context, serving <-chan struct{}) error {
	if s.dnsTCP == nil {
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case <-serving:
	}
	s.opts.Log.Info("serving DNS", "zone", dns.Zone, "addr", s.DNSAddr())
	return dns.New(s.naming, s.opts.Log).Serve(ctx, s.dnsUDP, s.dnsTCP)
}

// serveUDP tells clients of 1.x of changes until ctx ends, where they are to be told.
func (s *Server) serveUDP(ctx context.Context) error {
	if s.datagrams == nil {
		return nil
	}
	return s.datagrams.Serve(ctx, s.udpConn)
}

// shutdown makes clients go, those of both protocols at the same time, and stops serving.
func (s *Server) shutdown(ctx context.Context) error {
	var both errgroup.Group
	both.Go(func() error { return s.rpc.Shutdown(ctx) })
	both.Go(func() error { return s.web.Shutdown(ctx) })
	return both.Wait()
}

func (s *Server) logRetention(err error) {
	s.opts.Log.Warn("old history could not be removed; it is tried again", "error", err)
}

// logUpkeep returns what is called when old things of a kind could not be cleared away.
func (s *Server) logUpkeep(of string) func(error) {
	return func(err error) {
		s.opts.Log.Warn("upkeep could not be written; it is tried again", "of", of, "error", err)
	}
}

// Close gives back what New took, for a server that is not run; Run calls it in the end.
func (s *Server) Close() (err error) {
	s.closing.Do(func() {
		if s.web != nil {
			err = errors.Join(err, s.shutdown(context.Background()))
		}
		sockets := []io.Closer{s.listener, s.grpc, s.dnsTCP, s.dnsUDP}
		if s.udpConn != nil {
			sockets = append(sockets, s.udpConn)
		}
		for _, ln := range sockets {
			if ln == nil {
				continue
			}
			if e := ln.Close(); !errors.Is(e, net.ErrClosed) {
				err = errors.Join(err, e)
			}
		}
		err = errors.Join(err, s.cluster.close())
		if s.keeper != nil {
			err = errors.Join(err, s.keeper.Close())
		}
		if s.image != nil {
			err = errors.Join(err, s.image.Close())
		}
		if s.lock != nil {
			err = errors.Join(err, s.lock.Unlock())
		}
	})
	return err
}
