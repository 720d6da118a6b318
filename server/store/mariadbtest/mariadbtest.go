// Package mariadbtest runs private MariaDB servers for tests.
//
// A server has its own data folder and its own port on 127.0.0.1; the machine's database service is
// neither used nor touched. Where MariaDB isn't installed (Debian: mariadb-server) tests skip and say so.
package mariadbtest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	// The driver through which readiness is asked and databases are made.
	_ "github.com/go-sql-driver/mysql"
)

const (
	user     = "nacre"
	password = "nacre"

	startTime = 60 * time.Second
	stopTime  = 30 * time.Second
)

// Server is one running MariaDB.
type Server struct {
	dir    string
	daemon string
	port   int

	mu        sync.Mutex // guards what follows
	cmd       *exec.Cmd
	exited    chan struct{}
	databases int
}

var shared struct {
	sync.Mutex
	server *Server
}

// Main runs the tests of a package that uses Shared and stops that server afterwards. Call it from TestMain.
func Main(m *testing.M) int {
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	if s := shared.server; s != nil {
		if err := errors.Join(s.stop(syscall.SIGTERM), os.RemoveAll(s.dir)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return max(code, 1)
		}
	}
	return code
}

// Shared returns the server that all tests of this process use, starting it first when there is none.
// The package's TestMain must call Main, which stops it.
func Shared(t testing.TB) *Server {
	t.Helper()
	need(t)
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		return shared.server
	}
	dir, err := os.MkdirTemp("", "nacre-mariadb-")
	if err != nil {
		t.Fatal(err)
	}
	s, err := install(dir)
	if err == nil {
		err = s.Start()
	}
	if err != nil {
		os.RemoveAll(dir)
		t.Fatal(err)
	}
	shared.server = s
	return s
}

// New returns a server of the test's own, which it may kill and pause. It is stopped when the test ends.
func New(t testing.TB) *Server {
	t.Helper()
	need(t)
	s, err := install(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	})
	return s
}

// need skips the test, loudly, where MariaDB isn't installed.
func need(t testing.TB) {
	t.Helper()
	if _, err := find("mariadbd", "mysqld"); err != nil {
		fmt.Fprintf(os.Stderr, "\n*** NOT TESTED: %s needs MariaDB, which is not installed; apt-get install mariadb-server ***\n\n", t.Name())
		t.Skip("MariaDB is not installed: apt-get install mariadb-server")
	}
}

// find returns the path of the first program that is there; /usr/sbin is not in everybody's PATH.
func find(names ...string) (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
		if path := filepath.Join("/usr/sbin", name); isFile(path) {
			return path, nil
		}
	}
	return "", fmt.Errorf("none of %s is installed", strings.Join(names, ", "))
}

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}

func install(dir string) (*Server, error) {
	daemon, err := find("mariadbd", "mysqld")
	if err != nil {
		return nil, err
	}
	installer, err := find("mariadb-install-db", "mysql_install_db")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, daemon: daemon}
	args := append([]string{"--no-defaults", "--datadir=" + s.path("data"), "--auth-root-authentication-method=normal",
		"--skip-test-db", "--skip-name-resolve"}, runAs()...)
	if out, err := exec.Command(installer, args...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", installer, err, out)
	}
	init := fmt.Sprintf("CREATE USER IF NOT EXISTS '%s'@'127.0.0.1' IDENTIFIED BY '%s';\nGRANT ALL ON *.* TO '%[1]s'@'127.0.0.1' WITH GRANT OPTION;\n", user, password)
	return s, os.WriteFile(s.path("init.sql"), []byte(init), 0o644)
}

// runAs lets the daemon run as root, which it refuses when not told so.
func runAs() []string {
	if os.Getuid() == 0 {
		return []string{"--user=root"}
	}
	return nil
}

func (s *Server) path(name string) string { return filepath.Join(s.dir, name) }

// Start starts a server that was stopped or killed, on the port it had, and returns when it answers.
func (s *Server) Start() error {
	var last error
	for range 3 { // the port that was free may be taken meanwhile
		if s.port == 0 {
			port, err := freePort()
			if err != nil {
				return err
			}
			s.port = port
		}
		fresh := s.cmd == nil
		if last = s.run(); last == nil {
			return nil
		}
		if fresh {
			s.port, s.cmd = 0, nil
		}
	}
	return last
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func (s *Server) run() error {
	args := append([]string{
		"--no-defaults", "--datadir=" + s.path("data"), "--socket=" + s.socket(), "--pid-file=" + s.path("pid"),
		fmt.Sprintf("--port=%d", s.port), "--bind-address=127.0.0.1", "--skip-name-resolve", "--init-file=" + s.path("init.sql"),
		"--innodb-buffer-pool-size=128M", "--innodb-log-file-size=64M", "--performance-schema=OFF", "--skip-log-bin",
		"--log-error=" + s.path("error.log"), "--tmpdir=" + s.path("data"),
	}, runAs()...)
	var output bytes.Buffer
	cmd := exec.Command(s.daemon, args...)
	cmd.Stdout, cmd.Stderr = &output, &output
	// Nobody else stops it when the test process is killed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended says nothing that the log does not
		close(exited)
	}()
	s.mu.Lock()
	s.cmd, s.exited = cmd, exited
	s.mu.Unlock()
	if err := s.wait(exited); err != nil {
		log, _ := os.ReadFile(s.path("error.log"))
		return errors.Join(fmt.Errorf("%s does not answer on port %d: %w\n%s\n%s", s.daemon, s.port, err, output.Bytes(), tail(log)), s.stop(syscall.SIGKILL))
	}
	return nil
}

// socket returns a path short enough for a Unix socket, whatever the data folder's is.
func (s *Server) socket() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("nacre-mariadb-%d-%d.sock", os.Getpid(), s.port))
}

func tail(log []byte) []byte {
	return log[max(0, len(log)-4096):]
}

// wait polls until the server lets the test user in.
func (s *Server) wait(exited chan struct{}) error {
	db, err := sql.Open("mysql", s.dsn(""))
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if err = db.PingContext(ctx); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-exited:
			return errors.New("it ended")
		case <-tick.C:
		}
	}
}

func (s *Server) dsn(database string) string {
	return fmt.Sprintf("%s:%s@tcp(127.0.0.1:%d)/%s", user, password, s.port, database)
}

// Database makes an empty database and returns its DSN; it is dropped when the test ends.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	s.mu.Lock()
	s.databases++
	name := fmt.Sprintf("nacre_%d", s.databases)
	s.mu.Unlock()
	s.exec(t, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
	t.Cleanup(func() { s.exec(t, "DROP DATABASE "+name) })
	return s.dsn(name)
}

func (s *Server) exec(t testing.TB, query string) {
	t.Helper()
	db, err := sql.Open("mysql", s.dsn(""))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if _, err := db.ExecContext(ctx, query); err != nil {
		t.Errorf("%s: %v", query, err)
	}
}

// Kill ends the server at once, as a power cut of its machine's process would.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	if err := s.stop(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// Pause stops the server's threads: connections stay open and nothing answers. It returns when they have stopped.
func (s *Server) Pause(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGSTOP)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range stopTime / time.Millisecond {
		if s.stopped() {
			return
		}
		<-tick.C
	}
	t.Fatal("the server's threads do not stop")
}

// stopped reports whether no thread of the server runs.
func (s *Server) stopped() bool {
	s.mu.Lock()
	pid := s.cmd.Process.Pid
	s.mu.Unlock()
	states, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		return false
	}
	for _, path := range states {
		// The state follows the name, which is in parentheses.
		stat, err := os.ReadFile(path)
		if err != nil || !bytes.HasPrefix(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" T")) {
			return false
		}
	}
	return len(states) > 0
}

// Resume lets a paused server go on.
func (s *Server) Resume(t testing.TB) { s.signal(t, syscall.SIGCONT) }

func (s *Server) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) stop(sig syscall.Signal) error {
	s.mu.Lock()
	cmd, exited := s.cmd, s.exited
	s.mu.Unlock()
	if cmd == nil {
		return nil
	}
	defer os.Remove(s.socket())
	for _, sig := range []syscall.Signal{sig, syscall.SIGKILL} {
		if err := cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		timer := time.NewTimer(stopTime)
		select {
		case <-exited:
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
	return fmt.Errorf("MariaDB (pid %d) does not end", cmd.Process.Pid)
}
