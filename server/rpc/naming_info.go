package rpc

import (
	"strconv"
	"time"

	"nacre/server/naming"
	"nacre/server/rpc/payload"
)

// formInfo is the form of a view that this package keeps; the first ones are of the HTTP side.
const formInfo = naming.Forms - 1

// namingAckTimeout is how long a client has to acknowledge what it is told of a service (cluster-and-naming.md §5).
const namingAckTimeout = 5 * time.Second

// serviceInfo returns a view as clients read it (grpc.md §6.2). It is made once for each view.
func (s *Server) serviceInfo(v *naming.View) []byte {
	return v.Encoded(formInfo, func(v *naming.View) []byte {
		b := append(make([]byte, 0, 256+320*len(v.Hosts)), `{"name":`...)
		b = payload.AppendString(b, v.Key.Name)
		b = payload.AppendString(append(b, `,"groupName":`...), v.Key.Group)
		b = payload.AppendString(append(b, `,"clusters":`...), v.Clusters)
		b = appendNumber(append(b, `,"cacheMillis":`...), s.cfg.Naming.Switches().DefaultPushCacheMs)
		b = append(b, `,"hosts":[`...)
		for n, i := range v.Hosts {
			if n > 0 {
				b = append(b, ',')
			}
			b = appendInstance(b, v.Key, i)
		}
		b = appendNumber(append(b, `],"lastRefTime":`...), v.LastRefMs)
		b = append(b, `,"checksum":"","allIPs":false,"allIps":false,"reachProtectionThreshold":`...)
		return append(strconv.AppendBool(b, v.Protected), `,"valid":true}`...)
	})
}

func appendNumber(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) }

// generatorKey is the key of metadata that names how ids are made.
const generatorKey = "preserved.instance.id.generator"

// appendInstance appends an instance as clients read it (grpc.md §6.1).
func appendInstance(b []byte, k naming.Key, i *naming.Instance) []byte {
	b = append(b, '{')
	if i.IDForm != naming.IDNone {
		var id [192]byte
		b = append(payload.AppendString(append(b, `"instanceId":`...), i.AppendID(id[:0], k)), ',')
	}
	b = payload.AppendString(append(b, `"ip":`...), i.IP)
	b = appendNumber(append(b, `,"port":`...), int64(i.Port))
	b = appendWeight(append(b, `,"weight":`...), i.Weight)
	b = strconv.AppendBool(append(b, `,"healthy":`...), i.Healthy)
	b = strconv.AppendBool(append(b, `,"enabled":`...), i.Enabled)
	b = strconv.AppendBool(append(b, `,"ephemeral":`...), i.Ephemeral)
	b = payload.AppendString(append(b, `,"clusterName":`...), i.Cluster)
	b = payload.AppendString(append(b, `,"serviceName":`...), k.Group+"@@"+k.Name)
	b = append(b, `,"metadata":{`...)
	for n, p := range i.Metadata {
		if n > 0 {
			b = append(b, ',')
		}
		b = payload.AppendString(append(payload.AppendString(b, p.Key), ':'), p.Value)
	}
	beats := naming.BeatsOf(i.Metadata)
	b = appendNumber(append(b, `},"instanceHeartBeatInterval":`...), beats.IntervalMs)
	b = appendNumber(append(b, `,"instanceHeartBeatTimeOut":`...), beats.TimeoutMs)
	b = appendNumber(append(b, `,"ipDeleteTimeout":`...), beats.DeleteMs)
	if generator, ok := i.Metadata.Get(generatorKey); ok {
		b = payload.AppendString(append(b, `,"instanceIdGenerator":`...), generator)
	} else if len(i.Metadata) == 0 {
		b = append(b, `,"instanceIdGenerator":"simple"`...)
	}
	return append(b, '}')
}

// appendWeight writes a weight as Java does: with a decimal point.
func appendWeight(b []byte, w float64) []byte {
	at := len(b)
	b = strconv.AppendFloat(b, w, 'f', -1, 64)
	for _, c := range b[at:] {
		if c == '.' {
			return b
		}
	}
	return append(b, ".0"...)
}

// told is an encoded NotifySubscriberRequest; all who are told of one view get the same bytes.
type told struct {
	view *naming.View
	id   uint64
	b    []byte
}

// pushServices sends c what is due of the services that it subscribed to, and reports whether more is.
func (w *worker) pushServices(c *Conn) (more bool) {
	w.services = c.naming.Take(w.services[:0], pushBatch)
	for i, p := range w.services {
		n := w.info(p.View)
		view := p.View
		if !c.ask(n.id, n.b, namingAckTimeout, func(ok bool) {
			if ok {
				c.naming.Acked(view)
			} else {
				c.naming.Refused(view)
			}
		}) {
			c.naming.Refused(view) // it does not read; the registry tries again
		}
		w.services[i] = naming.Push{}
	}
	return len(w.services) == pushBatch
}

// info returns the request that tells of a view.
func (w *worker) info(v *naming.View) *told {
	for i := range w.infos {
		if w.infos[i].view == v {
			return &w.infos[i]
		}
	}
	n := &w.infos[w.infoTurn%len(w.infos)]
	w.infoTurn++
	info := w.srv.serviceInfo(v)
	id := w.srv.nextID()
	b := append(append(make([]byte, 0, 128+len(info)), requestBody(id)...), `,"module":"naming","serviceInfo":`...)
	*n = told{view: v, id: id, b: payload.Encode("NotifySubscriberRequest", "", append(append(b, info...), '}'))}
	return n
}
