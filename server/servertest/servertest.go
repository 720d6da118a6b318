// Package servertest runs real servers for tests: on a real port, with real files.
package servertest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"nacre/server"
	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/naming"
	"nacre/server/settings"
	"nacre/server/store/mariadbtest"
)

// Option changes what a test's server is started with.
type Option func(*options)

type options struct {
	settings settings.Settings
	server   server.Options
}

// With changes settings.
func With(change func(*settings.Settings)) Option {
	return func(o *options) { change(&o.settings) }
}

// InDir keeps the server's data in dir, for a test that starts it again.
func InDir(dir string) Option {
	return With(func(s *settings.Settings) { s.DataDir = dir })
}

// OnMySQL keeps everything in the database that dsn names.
func OnMySQL(dsn string) Option {
	return With(func(s *settings.Settings) { s.Storage, s.MySQLDSN = settings.StorageMySQL, dsn })
}

// StorageEnv is the environment variable that, set to mysql, has every server that stands alone use a MySQL database of its own, on one
// MariaDB for all tests of the process; a server that is started again in the same folder finds its database again.
const StorageEnv = "NACRE_TEST_STORAGE"

// databases are the databases of the folders that servers were started in.
var databases sync.Map

func onMySQL(t testing.TB, s *settings.Settings) {
	if os.Getenv(StorageEnv) != settings.StorageMySQL || s.Storage == settings.StorageMySQL || s.Mode == settings.ModeCluster {
		return
	}
	dsn, ok := databases.Load(s.DataDir)
	if !ok {
		dsn = mariadbtest.Shared(t).Database(t)
		databases.Store(s.DataDir, dsn)
	}
	s.Storage, s.MySQLDSN = settings.StorageMySQL, dsn.(string)
}

// AdminPassword makes the first administrator, who is called nacos, with this password.
func AdminPassword(password string) Option {
	return func(o *options) { o.server.AdminPassword = password }
}

// OnClock has the server ask c for the time.
func OnClock(c clock.Clock) Option {
	return func(o *options) { o.server.Clock = c }
}

// LogTo gives what the server logs to h.
func LogTo(h slog.Handler) Option {
	return func(o *options) { o.server.Log = slog.New(h) }
}

// Server is a running server of a test.
type Server struct {
	// URL is http://host:port, without a slash at its end.
	URL string
	// GRPC is the host:port of gRPC for clients.
	GRPC string
	// DNS is the host:port of DNS, "" where the settings have none.
	DNS string
	// Dir is the data folder.
	Dir string

	srv   *server.Server
	admin bool // one is made at the first start
	stop  context.CancelFunc
	done  chan error
}

// Start runs a server on a free port of the loopback interface until the test ends, and returns when
// it is ready. What it logs from warnings up stands in the test's output when NACRE_TEST_LOG is set.
func Start(t testing.TB, opts ...Option) *Server {
	t.Helper()
	s := start(t, opts...)
	if err := s.waitReady(30 * time.Second); err != nil {
		t.Fatal(err)
	}
	if s.admin {
		s.waitAdmin(t)
	}
	return s
}

// waitAdmin waits for the first administrator, who is made when the server serves already.
func (s *Server) waitAdmin(t testing.TB) {
	t.Helper()
	for end := time.NewTimer(30 * time.Second); s.srv.Users().NeedsSetUp(); time.Sleep(time.Millisecond) {
		select {
		case <-end.C:
			t.Fatal("the administrator was not made")
		default:
		}
	}
}

func start(t testing.TB, opts ...Option) *Server {
	t.Helper()
	o := options{settings: settings.Default()}
	o.settings.HTTPAddr = "127.0.0.1:0"
	o.server.Level = new(slog.LevelVar)
	o.server.Level.Set(slog.LevelWarn)
	o.server.Log = slog.New(slog.NewTextHandler(logTarget(), &slog.HandlerOptions{Level: o.server.Level}))
	for _, f := range opts {
		f(&o)
	}
	if o.settings.DataDir == settings.Default().DataDir {
		o.settings.DataDir = t.TempDir()
	}
	onMySQL(t, &o.settings)
	ctx, stop := context.WithCancel(context.Background())
	srv, err := server.New(ctx, o.settings, o.server)
	if err != nil {
		stop()
		t.Fatalf("starting a server: %v", err)
	}
	s := &Server{URL: "http://" + srv.Addr(), GRPC: srv.GRPCAddr(), DNS: srv.DNSAddr(), Dir: o.settings.DataDir, srv: srv, admin: o.server.AdminPassword != "", stop: stop, done: make(chan error, 1)}
	go func() { s.done <- srv.Run(ctx) }()
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("the server ended with: %v", err)
		}
	})
	return s
}

func logTarget() io.Writer {
	if os.Getenv("NACRE_TEST_LOG") == "" {
		return io.Discard
	}
	return os.Stderr
}

// Delivery returns the server's ledger of who listens for what.
func (s *Server) Delivery() *delivery.Ledger { return s.srv.Delivery() }

// Configs returns the server's own service, for tests that look behind the edges.
func (s *Server) Configs() *config.Service { return s.srv.Configs() }

// Naming returns the server's own registry, for tests that look behind the edges.
func (s *Server) Naming() *naming.Registry { return s.srv.Naming() }

// Stop stops the server in order and returns what it ended with. A second call returns nil.
func (s *Server) Stop() error {
	if s.stop == nil {
		return nil
	}
	s.stop()
	s.stop = nil
	select {
	case err := <-s.done:
		return err
	case <-time.After(time.Minute):
		return fmt.Errorf("the server did not stop within a minute")
	}
}

func (s *Server) waitReady(limit time.Duration) error {
	client := &http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	var last error
	for end := (clock.System{}).Now().Add(limit); (clock.System{}).Now().Before(end); time.Sleep(5 * time.Millisecond) {
		res, err := client.Get(s.URL + "/readyz")
		if err != nil {
			last = err
			continue
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return nil
		}
		last = fmt.Errorf("%d %s", res.StatusCode, body)
	}
	return fmt.Errorf("the server was not ready within %v: %w", limit, last)
}
