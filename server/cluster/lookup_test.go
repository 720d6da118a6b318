package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestListsAreReadAsNacosWritesThem(t *testing.T) {
	got, err := ParseList(strings.NewReader(`#2026-11-24T10:00:00
10.0.0.1
10.0.0.2:8849 # the second
nacre-2.nacre, [2001:db8::1]:9000
2001:db8::2

10.0.0.1:8848?raft_port=8807
10.0.0.4:8848?peer_port=7000
`))
	want := []Entry{
		{"10.0.0.1", 8848, 9849}, {"10.0.0.2", 8849, 9850}, {"nacre-2.nacre", 8848, 9849}, {"2001:db8::1", 9000, 10001},
		{"2001:db8::2", 8848, 9849}, {"10.0.0.4", 8848, 7000},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestWhatIsNoMemberIsNamed(t *testing.T) {
	for _, text := range []string{"a:b", "a:70000", "a:0", "::::", "a b", "http://a:80", ":8848", "a:1?peer_port=x", strings.Repeat("a", 300)} {
		got, err := ParseList(strings.NewReader("10.0.0.1\n" + text))
		if err == nil || len(got) != 1 {
			t.Errorf("%q gave %v, %v", text, got, err)
		}
	}
}

func TestAChangeOfTheFileIsNoticed(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "cluster.conf")
	l := NewLookup(LookupConfig{File: file, List: []Entry{{"10.0.0.9", 1, 2}}})
	ctx, cancel := context.WithCancel(t.Context())
	var changes atomic.Int64
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.Run(ctx, slog.New(slog.DiscardHandler), func() { changes.Add(1) })
	}()
	defer func() {
		cancel()
		<-ended
	}()
	replace := func(text string, want int) {
		t.Helper()
		fresh := filepath.Join(dir, "..new")
		if err := os.WriteFile(fresh, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(fresh, file); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() error {
			if got := l.Entries(); len(got) != want {
				return fmt.Errorf("the entries are %v", got)
			}
			return nil
		})
	}
	replace("10.0.0.1\n10.0.0.2\n", 3)
	replace("10.0.0.1\n", 2)
	// An empty file leaves the list as it is.
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	replace("10.0.0.1\n10.0.0.2\n10.0.0.3\n", 4)
	if n := changes.Load(); n != 3 {
		t.Errorf("%d changes were told", n)
	}
}

func TestAnAddressServerIsAsked(t *testing.T) {
	var status atomic.Int64
	status.Store(200)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(int(status.Load()))
		fmt.Fprint(w, "10.0.0.1:8848\n10.0.0.2:8848\n")
	}))
	defer srv.Close()
	l := NewLookup(LookupConfig{URL: srv.URL + "/nacos/serverlist"})
	defer l.client.CloseIdleConnections()
	quiet := slog.New(slog.DiscardHandler)
	if !l.read(t.Context(), quiet) || len(l.Entries()) != 2 {
		t.Fatalf("the entries are %v", l.Entries())
	}
	status.Store(500)
	if l.read(t.Context(), quiet) || len(l.Entries()) != 2 {
		t.Errorf("a failure left %v", l.Entries())
	}
}

func FuzzList(f *testing.F) {
	f.Add("10.0.0.1:8848?peer_port=1\n[::1]:2,a#b")
	f.Fuzz(func(t *testing.T, text string) {
		entries, _ := ParseList(strings.NewReader(text))
		for _, e := range entries {
			if e.Host == "" || e.Port < 1 || e.Port > 65535 {
				t.Fatalf("%+v", e)
			}
		}
	})
}
