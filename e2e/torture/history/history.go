// Package history is what a run of the torture test leaves: who asked what when, what came back, and
// what was done to the nodes meanwhile. It is written as one JSON object a line.
//
// All times are nanoseconds of one monotonic clock since the run began: the harness and all nodes are
// on one machine, so that they are comparable.
package history

import (
	"bufio"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"sync"
	"time"
)

// Entry is one line. Exactly one field is set.
type Entry struct {
	Run    *Run    `json:"run,omitempty"`
	Op     *Op     `json:"op,omitempty"`
	Fault  *Fault  `json:"fault,omitempty"`
	Told   *Told   `json:"told,omitempty"`
	Life   *Life   `json:"life,omitempty"`
	Sample *Sample `json:"sample,omitempty"`
	Final  *Final  `json:"final,omitempty"`
	Past   *Past   `json:"past,omitempty"`
	Broken *Broken `json:"broken,omitempty"`
}

// Run says what was run. It is the first line.
type Run struct {
	Seed     uint64   `json:"seed"`
	Nodes    int      `json:"nodes"`
	Faults   []string `json:"faults"` // in their order
	Bug      string   `json:"bug,omitempty"`
	Seconds  int      `json:"seconds"`
	Keys     []string `json:"keys"`     // of the registers
	Services []string `json:"services"` // of the registry
}

// What became of an operation.
const (
	OK      = "ok"      // it took effect, or was read
	No      = "no"      // its condition did not hold, and nothing was changed
	Refused = "refused" // it certainly had no effect
	Unknown = "unknown" // it may have had, or may yet have, an effect
)

// The kinds of operations.
const (
	Put    = "put"    // whatever was there
	CAS    = "cas"    // where the revision is Expect, or the md5 ExpectMD5
	Create = "create" // where there is none
	Remove = "remove"
	Strong = "strong" // a read that must see all that was acknowledged
	Local  = "local"  // a read of what the node has
	Add    = "add"    // a put of a key that nobody else touches
)

// Op is one operation of a client on a configuration.
type Op struct {
	Client  int    `json:"client"`
	Session int    `json:"session"` // changes when the client's connection to the node broke
	Node    int    `json:"node"`
	Start   int    `json:"start"` // how often the node had been started
	Kind    string `json:"kind"`
	Key     string `json:"key"`
	// Value is what was written or read; "" is absence.
	Value     string `json:"value,omitempty"`
	Expect    uint64 `json:"expect,omitempty"`
	ExpectMD5 string `json:"expectMd5,omitempty"`
	// Revision is that of the change or of what was read; 0 when it is not known or nothing was there.
	Revision uint64 `json:"revision,omitempty"`
	Outcome  string `json:"outcome"`
	Call     int64  `json:"call"`
	Return   int64  `json:"return"`
	Text     string `json:"text,omitempty"` // why it was refused
}

// Writes reports whether the operation can change something.
func (o *Op) Writes() bool { return o.Kind != Strong && o.Kind != Local }

// Fault is something that was done to nodes, from before it was done until all were ready again.
type Fault struct {
	Name  string `json:"name"`
	Nodes []int  `json:"nodes"` // those it was done to
	Begin int64  `json:"begin"`
	End   int64  `json:"end"`
	// Cut are the nodes that had no majority from CutFrom to CutUntil.
	Cut      []int `json:"cut,omitempty"`
	CutFrom  int64 `json:"cutFrom,omitempty"`
	CutUntil int64 `json:"cutUntil,omitempty"`
	// Delay is what each fsync of a majority of nodes took at least, from CutFrom to CutUntil.
	Delay int64  `json:"delay,omitempty"`
	Text  string `json:"text,omitempty"`
}

// Told is what a listener learned of a key.
type Told struct {
	Listener int    `json:"listener"`
	Session  int    `json:"session"`
	Node     int    `json:"node"`
	Key      string `json:"key"`
	Value    string `json:"value,omitempty"`
	At       int64  `json:"at"`
}

// What happens to an instance.
const (
	Up     = "up"     // its registration was acknowledged
	Crash  = "crash"  // its client closed the connection, or the process ended
	Silent = "silent" // its client is not heard any more
	Left   = "left"   // it was deregistered
)

// Life is a step in the life of an instance. Addresses are never used twice.
type Life struct {
	Instance string `json:"instance"` // ip:port
	Service  string `json:"service"`
	Client   int    `json:"client"`
	Node     int    `json:"node"`
	Beats    bool   `json:"beats,omitempty"` // lives by HTTP heartbeats
	What     string `json:"what"`
	At       int64  `json:"at"`
}

// Sample is what a node that said it is ready showed of a service.
type Sample struct {
	Node    int      `json:"node"`
	Start   int      `json:"start"`
	Service string   `json:"service"`
	Call    int64    `json:"call"`
	Return  int64    `json:"return"`
	Present []string `json:"present"`
	// Subscriber says that a push told this one (counted from 1), not a query.
	Subscriber int `json:"subscriber,omitempty"`
}

// Held is a configuration as a node has it.
type Held struct {
	MD5      string `json:"md5"`
	Revision uint64 `json:"revision"`
}

// Final is what a node has when all is quiet.
type Final struct {
	Node      int                 `json:"node"`
	At        int64               `json:"at"`
	Configs   map[string]Held     `json:"configs"`
	Instances map[string][]string `json:"instances"`
}

// Version is a row of a key's past.
type Version struct {
	Revision uint64 `json:"revision"`
	Op       string `json:"op"`
	MD5      string `json:"md5,omitempty"`
	Operator string `json:"operator,omitempty"`
}

// Past is a key's whole history on a node, newest first.
type Past struct {
	Node     int       `json:"node"`
	Key      string    `json:"key"`
	Versions []Version `json:"versions"`
}

// Broken is something that the harness saw that must not be, such as a node that does not come back.
type Broken struct {
	What string `json:"what"`
	At   int64  `json:"at"`
}

// History is a whole run.
type History struct {
	Run     Run
	Ops     []*Op
	Faults  []*Fault
	Told    []*Told
	Lives   []*Life
	Samples []*Sample
	Finals  []*Final
	Pasts   []*Past
	Broken  []*Broken
}

// Add puts an entry in its place.
func (h *History) Add(e Entry) {
	switch {
	case e.Run != nil:
		h.Run = *e.Run
	case e.Op != nil:
		h.Ops = append(h.Ops, e.Op)
	case e.Fault != nil:
		h.Faults = append(h.Faults, e.Fault)
	case e.Told != nil:
		h.Told = append(h.Told, e.Told)
	case e.Life != nil:
		h.Lives = append(h.Lives, e.Life)
	case e.Sample != nil:
		h.Samples = append(h.Samples, e.Sample)
	case e.Final != nil:
		h.Finals = append(h.Finals, e.Final)
	case e.Past != nil:
		h.Pasts = append(h.Pasts, e.Past)
	case e.Broken != nil:
		h.Broken = append(h.Broken, e.Broken)
	}
}

// MD5 returns the digest of a value as Nacos shows it; "" for absence.
func MD5(value string) string {
	if value == "" {
		return ""
	}
	sum := md5.Sum([]byte(value))
	return hex.EncodeToString(sum[:])
}

// Recorder writes a history while it happens. It is safe for concurrent use.
type Recorder struct {
	begin time.Time

	mu   sync.Mutex
	file *os.File
	w    *bufio.Writer
	h    History
	acks int
	err  error
}

// NewRecorder begins a history in a new file.
func NewRecorder(path string) (*Recorder, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &Recorder{begin: time.Now(), file: f, w: bufio.NewWriterSize(f, 1<<16)}, nil
}

// Now returns the time of the history.
func (r *Recorder) Now() int64 { return int64(time.Since(r.begin)) }

// Record adds an entry.
func (r *Recorder) Record(e Entry) {
	b, err := json.Marshal(e)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.h.Add(e)
	if e.Op != nil && e.Op.Outcome == OK && e.Op.Writes() {
		r.acks++
	}
	if err == nil {
		_, err = r.w.Write(append(b, '\n'))
	}
	r.err = errors.Join(r.err, err)
}

// Acks returns how many writes were acknowledged until now.
func (r *Recorder) Acks() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.acks
}

// Close ends the history and returns it. Nobody may record any more.
func (r *Recorder) Close() (*History, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &r.h, errors.Join(r.err, r.w.Flush(), r.file.Close())
}

// Read reads a history that was written.
func Read(path string) (*History, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := &History{}
	for dec := json.NewDecoder(bufio.NewReaderSize(f, 1<<20)); ; {
		var e Entry
		if err := dec.Decode(&e); errors.Is(err, io.EOF) {
			return h, nil
		} else if err != nil {
			return nil, err
		}
		h.Add(e)
	}
}
