// Package dns answers DNS queries from the registry, so that programs without an SDK find instances:
//
//	service.group.namespace.nacre.   A, AAAA   addresses of the healthy enabled instances
//	                                 SRV       their ports and weights, too
//	10-0-0-7.ip.nacre.               A, AAAA   the address that the name says: targets of SRV records
//
// Dots in a service's or a group's name stand as they are. Upper and lower case are the same, and - may stand for each
// character that is not a letter, a digit, - or _; where several services fit then, the one that is spelt exactly so is
// meant, else the first by namespace, group and name. A name without an instance does not exist.
package dns

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"strings"
	"time"

	lib "github.com/miekg/dns"
	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"

	"nacre/server/naming"
)

// Zone is what the server answers for. Other names are refused: it asks no other server.
const Zone = "nacre."

const (
	// ttl is for how many seconds answers may be kept, also those that say that there is nothing.
	ttl = 5
	// maxAnswers bounds the records of an answer: what is over it is chosen by weight.
	maxAnswers = 64
	// maxUDP is the largest message over UDP in bytes, of those who say that they take more than 512; it is not fragmented on its way.
	maxUDP = 1232
	// maxConns is how many TCP connections there may be at once; more wait.
	maxConns = 256
	// stopWait is how long answers under way may take at the end.
	stopWait = 2 * time.Second
)

// Server answers queries. It is safe for concurrent use.
type Server struct {
	registry *naming.Registry
	log      *slog.Logger
	names    index
}

// New returns a server that listens nowhere yet.
func New(r *naming.Registry, log *slog.Logger) *Server { return &Server{registry: r, log: log} }

// Listen opens addr, host:port, for both of DNS' protocols; port 0 takes one that is free.
func Listen(addr string) (udp net.PacketConn, tcp net.Listener, err error) {
	if tcp, err = net.Listen("tcp", addr); err == nil {
		if udp, err = net.ListenPacket("udp", tcp.Addr().String()); err == nil {
			return udp, tcp, nil
		}
		tcp.Close()
	}
	return nil, nil, fmt.Errorf("listening on %s for DNS: %w", addr, err)
}

// Serve answers what comes in on both until ctx ends, and closes them.
func (s *Server) Serve(ctx context.Context, udp net.PacketConn, tcp net.Listener) error {
	run, ctx := errgroup.WithContext(ctx)
	serve := func(x *lib.Server) {
		started, ended := make(chan struct{}), make(chan struct{})
		x.Handler, x.UDPSize, x.NotifyStartedFunc = s, maxUDP, func() { close(started) }
		run.Go(func() error {
			defer close(ended)
			return x.ActivateAndServe()
		})
		run.Go(func() error {
			select {
			case <-started:
			case <-ended:
				return nil // it never started, and said why
			}
			select {
			case <-ctx.Done():
			case <-ended:
				return nil
			}
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWait)
			defer cancel()
			return x.ShutdownContext(end)
		})
	}
	serve(&lib.Server{PacketConn: udp})
	serve(&lib.Server{Listener: netutil.LimitListener(tcp, maxConns)})
	return run.Wait()
}

// ServeDNS answers one query.
func (s *Server) ServeDNS(w lib.ResponseWriter, req *lib.Msg) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("a DNS query made the server panic", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	_, tcp := w.RemoteAddr().(*net.TCPAddr)
	if err := w.WriteMsg(s.reply(req, tcp)); err != nil {
		s.log.Debug("a DNS answer could not be sent", "to", w.RemoteAddr(), "error", err)
	}
}

// reply makes the answer to a query.
func (s *Server) reply(req *lib.Msg, tcp bool) *lib.Msg {
	m := new(lib.Msg).SetReply(req)
	size := lib.MinMsgSize
	if opt := req.IsEdns0(); opt != nil {
		m.SetEdns0(maxUDP, false)
		size = min(max(int(opt.UDPSize()), lib.MinMsgSize), maxUDP)
		if opt.Version() != 0 {
			m.Rcode = lib.RcodeBadVers
			return m
		}
	}
	if tcp {
		size = lib.MaxMsgSize
	}
	switch {
	case req.Opcode != lib.OpcodeQuery:
		m.Opcode, m.Rcode = req.Opcode, lib.RcodeNotImplemented
		return m
	case len(req.Question) != 1:
		m.Rcode = lib.RcodeFormatError
		return m
	}
	q := req.Question[0]
	labels := labelsOf(q.Name)
	last := len(labels) - 1
	if last < 0 || !strings.EqualFold(labels[last]+".", Zone) || q.Qclass != lib.ClassINET || q.Qtype == lib.TypeAXFR || q.Qtype == lib.TypeIXFR {
		m.Rcode = lib.RcodeRefused
		return m
	}
	m.Authoritative, m.Compress = true, true
	options := m.Extra
	exists := s.answer(m, q, labels[:last])
	if exists && q.Qtype == lib.TypeANY { // as RFC 8482 has it
		m.Answer = []lib.RR{&lib.HINFO{Hdr: header(q.Name, lib.TypeHINFO), Cpu: "RFC8482"}}
	}
	if len(m.Answer) == 0 {
		m.Ns = []lib.RR{authority()}
	}
	if !exists {
		m.Rcode = lib.RcodeNameError
	}
	if m.Len() > size {
		m.Extra = options // what nobody asked for is no reason to ask again over TCP
	}
	m.Truncate(size)
	m.Compress = true
	return m
}

// answer puts to m what is asked for of a name in the zone, and reports whether there is such a name.
func (s *Server) answer(m *lib.Msg, q lib.Question, labels []string) (exists bool) {
	if len(labels) == 0 {
		if q.Qtype == lib.TypeSOA {
			m.Answer = []lib.RR{authority()}
		}
		return true
	}
	if addr, ok := addressOf(labels); ok {
		if rr := address(q.Name, addr); rr.Header().Rrtype == q.Qtype {
			m.Answer = []lib.RR{rr}
		}
		return true
	}
	k, found, exists := s.find(labels)
	if !found {
		return exists
	}
	switch q.Qtype {
	case lib.TypeA, lib.TypeAAAA:
		m.Answer = addresses(q, s.hosts(k))
	case lib.TypeSRV:
		places(m, q.Name, s.hosts(k))
	}
	return true
}

// hosts returns the instances of a service that are to be called: healthy and enabled ones; all where an operator had the
// service protected and too few are healthy.
func (s *Server) hosts(k naming.Key) []*naming.Instance {
	d := s.registry.State().Service(k)
	protected := d != nil && d.ProtectThreshold > 0
	return s.registry.Lookup(k, naming.Query{HealthyOnly: !protected}).Hosts
}
