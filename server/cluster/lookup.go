package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// DefaultPort is that of HTTP where an entry names none.
	DefaultPort = 8848
	// PeerOffset is what is added to it for peer RPC, RaftOffset for raft, GossipOffset for gossip.
	PeerOffset, RaftOffset, GossipOffset = 1001, -1000, -999

	// readEvery is how often the list is read anew, beside what the file system tells.
	readEvery = 5 * time.Second
	// maxEntries and maxList bound a list of members.
	maxEntries = 1000
	maxList    = 1 << 20
)

// Entry is one member that is listed.
type Entry struct {
	Host           string
	Port, PeerPort int
}

// Addr returns the host:port of the entry.
func (e Entry) Addr() string { return join(e.Host, e.Port) }

// PeerAddr returns where its peer RPC is.
func (e Entry) PeerAddr() string { return join(e.Host, e.PeerPort) }

// ParseEntry reads a member as cluster.conf has it: host, host:port, [v6]:port; "?peer_port=N" behind it names a port
// of peer RPC that is not the usual one.
func ParseEntry(text string) (Entry, error) {
	addr, query, _ := strings.Cut(strings.TrimSpace(text), "?")
	e := Entry{Host: addr, Port: DefaultPort}
	if host, port, err := net.SplitHostPort(addr); err == nil {
		n, err := strconv.Atoi(port)
		if err != nil || n < 1 || n > 65535 {
			return e, fmt.Errorf("%q: the port must be a number up to 65535", text)
		}
		e.Host, e.Port = host, n
	} else if ip := net.ParseIP(strings.Trim(addr, "[]")); ip != nil {
		e.Host = strings.Trim(addr, "[]")
	} else if strings.Contains(addr, ":") {
		return e, fmt.Errorf("%q must be host, host:port or [IPv6]:port", text)
	}
	if e.Host == "" || len(e.Host) > maxHost || strings.ContainsAny(e.Host, " \t/@") {
		return e, fmt.Errorf("%q must be host, host:port or [IPv6]:port", text)
	}
	e.PeerPort = e.Port + PeerOffset
	// Nacos' files may hold raft_port, site and weight there, which say nothing here.
	if values, err := url.ParseQuery(query); err == nil && values.Has("peer_port") {
		n, err := strconv.Atoi(values.Get("peer_port"))
		if err != nil || n < 1 || n > 65535 {
			return e, fmt.Errorf("%q: peer_port must be a number up to 65535", text)
		}
		e.PeerPort = n
	}
	return e, nil
}

// ParseList reads the lines of a cluster.conf: an entry a line, or several between commas, # begins a comment. What can't be
// read is left out and named in the error.
func ParseList(r io.Reader) (entries []Entry, err error) {
	var errs []error
	lines := bufio.NewScanner(io.LimitReader(r, maxList))
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		for text := range strings.SplitSeq(line, ",") {
			if text = strings.TrimSpace(text); text == "" {
				continue
			}
			e, err := ParseEntry(text)
			if err != nil {
				errs = append(errs, err)
			} else if !slices.Contains(entries, e) && len(entries) < maxEntries {
				entries = append(entries, e)
			}
		}
	}
	return entries, errors.Join(append(errs, lines.Err())...)
}

// LookupConfig says where lists of members come from; all that are given count together.
type LookupConfig struct {
	// File is the path of a cluster.conf; it may come later.
	File string
	// List are entries.
	List []Entry
	// URL is an address server: GET answers the lines of a cluster.conf.
	URL string
}

// Lookup knows who is listed.
type Lookup struct {
	cfg    LookupConfig
	client http.Client

	mu   sync.Mutex
	file []Entry
	url  []Entry
	said map[string]string // what was logged last of each source
}

// NewLookup makes a Lookup and reads the file, where there is one.
func NewLookup(cfg LookupConfig) *Lookup {
	l := &Lookup{cfg: cfg, client: http.Client{Timeout: 3 * time.Second}, said: make(map[string]string)}
	if cfg.File != "" {
		l.file, _ = readList(cfg.File) // Run says what is wrong with it
	}
	return l
}

// Entries returns who is listed.
func (l *Lookup) Entries() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := slices.Clone(l.cfg.List)
	for _, e := range slices.Concat(l.file, l.url) {
		if !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	return out
}

// Empty says whether nothing can ever be listed.
func (l *Lookup) Empty() bool { return l.cfg.File == "" && l.cfg.URL == "" && len(l.cfg.List) == 0 }

func readList(path string) ([]Entry, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ParseList(f)
}

// Run keeps the lists new until ctx ends, and calls changed when one is another.
func (l *Lookup) Run(ctx context.Context, log *slog.Logger, changed func()) {
	var events <-chan fsnotify.Event
	if l.cfg.File != "" {
		// The folder is watched, since editors and config maps put another file in place of the old one.
		if w, err := fsnotify.NewWatcher(); err == nil {
			defer w.Close()
			if w.Add(filepath.Dir(l.cfg.File)) == nil {
				events = w.Events
			}
		}
	}
	tick := time.NewTicker(readEvery)
	defer tick.Stop()
	for {
		if l.read(ctx, log) {
			changed()
		}
		if !l.wait(ctx, tick.C, events) {
			return
		}
	}
}

// wait returns when the lists are to be read, false when ctx ended.
func (l *Lookup) wait(ctx context.Context, tick <-chan time.Time, events <-chan fsnotify.Event) bool {
	var written <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick:
			return true
		case <-written:
			return true
		case e := <-events:
			// A config map is a link to the folder ..data, which is replaced.
			name := filepath.Base(e.Name)
			if written == nil && (name == filepath.Base(l.cfg.File) || strings.HasPrefix(name, "..")) {
				written = time.After(50 * time.Millisecond) // a file is written in several steps
			}
		}
	}
}

// read reads every list and says whether one changed. A list that can't be read, or is empty, leaves the old one.
func (l *Lookup) read(ctx context.Context, log *slog.Logger) (changed bool) {
	take := func(held *[]Entry, name string, fresh []Entry, err error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		said := ""
		if err != nil {
			said = err.Error()
		} else if len(fresh) == 0 {
			said = "it lists nobody"
		}
		if said != l.said[name] {
			l.said[name] = said
			if said != "" {
				log.Warn("the list of members is not as it should be", "from", name, "why", said)
			}
		}
		if len(fresh) > 0 && !slices.Equal(*held, fresh) {
			*held, changed = fresh, true
			log.Info("members are listed", "from", name, "members", len(fresh))
		}
	}
	if l.cfg.File != "" {
		fresh, err := readList(l.cfg.File)
		take(&l.file, l.cfg.File, fresh, err)
	}
	if l.cfg.URL != "" {
		fresh, err := l.get(ctx)
		if ctx.Err() == nil {
			take(&l.url, l.cfg.URL, fresh, err)
		}
	}
	return changed
}

func (l *Lookup) get(ctx context.Context) ([]Entry, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.cfg.URL, nil)
	if err != nil {
		return nil, err
	}
	res, err := l.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the address server answers with the status %d", res.StatusCode)
	}
	return ParseList(res.Body)
}
