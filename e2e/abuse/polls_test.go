package abuse

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

func listening(keys int, md5 string) string {
	var b strings.Builder
	for i := range keys {
		fmt.Fprintf(&b, "poll-%d\x02DEFAULT_GROUP\x02%s\x02\x01", i, md5)
	}
	return b.String()
}

func (a *target) poll(listening string) *http.Request {
	req := a.form("POST", "/nacos/v1/cs/configs/listener", url.Values{"Listening-Configs": {listening}})
	req.Header.Set("Long-Pulling-Timeout", "30000")
	return req
}

// waiting waits until so many clients are parked.
func (a *target) waiting(clients, keys int64) {
	a.t.Helper()
	if err := until(func() error {
		if c := a.figures().Counts; c.WaitingClients != clients || c.WaitingKeys != keys {
			return fmt.Errorf("%d clients wait for %d keys, not %d for %d", c.WaitingClients, c.WaitingKeys, clients, keys)
		}
		return nil
	}); err != nil {
		a.t.Fatal(err)
	}
}

func TestAPollMayHaveTenThousandKeysAndNotOneMore(t *testing.T) {
	a := attacked(t, 600<<20)
	type told struct {
		status int
		body   string
	}
	answers := make(chan told, 1)
	go func() {
		status, body, err := exchange(&http.Client{Timeout: patience}, a.poll(listening(10_000, "")))
		if err != nil {
			body = err.Error()
		}
		answers <- told{status, body}
	}()
	a.waiting(1, 10_000)
	if status, body := a.do(a.publish("form", "poll-9999", []byte("x"))); status != 200 {
		t.Fatalf("publish: %d %q", status, body)
	}
	if got := <-answers; got.status != 200 || got.body != "poll-9999%02DEFAULT_GROUP%01\n" {
		t.Errorf("the poll of 10,000 keys was told %d %.200q", got.status, got.body)
	}
	a.waiting(0, 0)
	if status, body := a.do(a.poll(listening(10_001, ""))); status != 400 || body != "caused: invalid probeModify;" {
		t.Errorf("10,001 keys: %d %.200q", status, body)
	}
	for _, rubbish := range []string{
		"", " ", "\x01", "\x02", "a", "a\x02b", "a\x01", "a\x02b\x01", "\x02\x02\x02\x02\x02\x01", "a\x02b\x02c\x02d\x02e\x01", "a b\x02g\x02\x01", "a\x02g/\x02\x01",
		"a\x02g\x02\x02n!\x01", "%", "a%zz\x02g\x02\x01", strings.Repeat("\x02", 1<<20), strings.Repeat("a", 300) + "\x02g\x02\x01", "\xff\xfe\x02g\x02\x01", "\x00\x02g\x02\x01",
	} {
		if status, body := a.do(a.poll(rubbish)); status != 400 || body == "" {
			t.Errorf("listening to %.40q: %d %.200q", rubbish, status, body)
		}
	}
	for _, timeout := range []string{"abc", "1e9", "99999999999999999999", " "} {
		req := a.poll(listening(1, ""))
		req.Header.Set("Long-Pulling-Timeout", timeout)
		if status, body := a.do(req); status != 400 {
			t.Errorf("timeout %q: %d %.200q", timeout, status, body)
		}
	}
	a.waiting(0, 0)
}

func TestPollersThatGoAwayAreForgotten(t *testing.T) {
	a := attacked(t, 600<<20)
	const clients = 2000
	head := "POST /nacos/v1/cs/configs/listener HTTP/1.1\r\nHost: h\r\nLong-Pulling-Timeout: 30000\r\nContent-Type: application/x-www-form-urlencoded\r\n"
	body := url.Values{"Listening-Configs": {listening(3, "")}}.Encode()
	request := fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(body), body)
	for _, patient := range []bool{true, false} {
		var group sync.WaitGroup
		leave := make(chan struct{})
		for range 50 {
			group.Go(func() {
				for range clients / 50 {
					c := a.dial()
					if _, err := io.WriteString(c, request); err != nil {
						t.Error(err)
					}
					if patient {
						group.Go(func() { <-leave; c.Close() })
					} else {
						_ = c.SetLinger(0)
						c.Close()
					}
				}
			})
		}
		if patient {
			a.waiting(clients, 3*clients)
		}
		close(leave)
		group.Wait()
		a.waiting(0, 0)
	}
}

// Who never reads costs no more than what the sockets hold.
func TestPollersThatNeverReadAreBounded(t *testing.T) {
	a := attacked(t, 900<<20)
	body := url.Values{"Listening-Configs": {listening(5000, "differs")}}.Encode()
	request := fmt.Sprintf("POST /nacos/v1/cs/configs/listener HTTP/1.1\r\nHost: h\r\nLong-Pulling-Timeout: 30000\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	var group sync.WaitGroup
	stuck := make(chan struct{}, 60)
	for range 60 {
		c := a.dial()
		_ = c.SetReadBuffer(4 << 10)
		group.Go(func() {
			for n := 0; n < 200; n++ { // the answers alone are 20 MB, which no socket holds
				if n == 5 {
					stuck <- struct{}{}
				}
				if _, err := io.WriteString(c, request); err != nil {
					return
				}
			}
			t.Error("a client that never reads could send 200 polls")
		})
		t.Cleanup(func() { c.Close() })
		defer c.Close()
	}
	for range 60 {
		<-stuck
	}
	c := a.dial()
	go func() { _, _ = io.WriteString(c, request) }()
	status, text, err := answer(bufio.NewReader(c))
	if err == nil && (status != 200 || strings.Count(text, "%01") != 5000) {
		err = errors.New("not all keys were told")
	}
	if err != nil {
		t.Errorf("a poller who reads: %d %d bytes %v", status, len(text), err)
	}
}
