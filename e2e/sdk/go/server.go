package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// server is a Nacre process that a check may stop, kill and start again.
type server struct {
	port int
	dir  string
	cmd  *exec.Cmd
}

// newServer starts a server on a free pair of ports P and P+1000.
func newServer() (*server, error) {
	dir, err := os.MkdirTemp("", "nacre-sdk-go")
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir}
	for range 50 {
		s.port = 10000 + rand.IntN(21000) // below the ports that connections are given: one of them could hold the port while the server is down
		if free(s.port) && free(s.port+1000) {
			return s, s.start()
		}
	}
	return nil, fmt.Errorf("no free pair of ports")
}

func free(port int) bool {
	ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	return ln.Close() == nil
}

func (s *server) url() string { return fmt.Sprintf("http://127.0.0.1:%d", s.port) }

func (s *server) start() error {
	s.cmd = exec.Command(os.Getenv("NACRE"), "serve", "--data-dir", s.dir, "--http-addr", fmt.Sprintf("127.0.0.1:%d", s.port), "--access-log", "off", "--log-level", "warn")
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		return err
	}
	for range 1000 {
		if res, err := http.Get(s.url() + "/readyz"); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("the server at %s was not ready in time", s.url())
}

// end stops the server with sig and waits until it has ended.
func (s *server) end(sig syscall.Signal) {
	_ = s.cmd.Process.Signal(sig)
	_ = s.cmd.Wait()
}

func (s *server) close() {
	s.end(syscall.SIGKILL)
	_ = os.RemoveAll(s.dir)
}

// publish publishes over HTTP; headers come in pairs.
func (s *server) publish(form url.Values, headers ...string) error {
	req, err := http.NewRequest(http.MethodPost, s.url()+"/nacos/v1/cs/configs", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || string(body) != "true" {
		return fmt.Errorf("publishing answered %d %s (%v)", res.StatusCode, body, err)
	}
	return nil
}

// header reads a configuration over HTTP and returns one header of the answer.
func (s *server) header(dataID, group, name string) (string, error) {
	res, err := http.Get(s.url() + "/nacos/v1/cs/configs?" + url.Values{"dataId": {dataID}, "group": {group}}.Encode())
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	return res.Header.Get(name), nil
}

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}
