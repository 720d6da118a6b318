package rpc

import (
	"context"
	"strings"

	"nacre/server/fault"
	"nacre/server/naming"
	"nacre/server/resource"
	"nacre/server/rpc/payload"
)

// registerNaming adds the requests about services (grpc.md §6).
func registerNaming(s *Server) {
	s.handlers["InstanceRequest"] = s.instance
	s.handlers["BatchInstanceRequest"] = s.batch
	s.handlers["PersistentInstanceRequest"] = s.persistent
	s.handlers["ServiceQueryRequest"] = s.queryService
	s.handlers["SubscribeServiceRequest"] = s.subscribe
	s.handlers["ServiceListRequest"] = s.listServices
}

// What requests about instances ask for.
const (
	typeRegister      = "registerInstance"
	typeDeregister    = "deregisterInstance"
	typeBatchRegister = "batchRegisterInstance"
)

// codeDisconnected is that of requests which need a client of naming, on a connection without one.
const codeDisconnected = -401

// moduleNaming is the label of connections that register and subscribe.
const moduleNaming = "naming"

// serviceName is a service as a request names it.
type serviceName struct{ namespace, group, service string }

func (n *serviceName) field(field string, v payload.Value) (bool, error) {
	switch field {
	case "namespace":
		return true, v.TextLike(&n.namespace, nil, resource.DefaultNamespace)
	case "groupName":
		return true, v.TextLike(&n.group, nil, resource.DefaultGroup)
	case "serviceName":
		return true, v.Text(&n.service, nil)
	}
	return false, nil
}

// key returns the name as the domain knows it. A group that is not named is the default one.
func (n *serviceName) key() naming.Key {
	k := naming.Key{Namespace: n.namespace, Group: n.group, Name: n.service}
	if strings.TrimSpace(k.Namespace) == "" {
		k.Namespace = resource.DefaultNamespace
	}
	if strings.TrimSpace(k.Group) == "" {
		k.Group = resource.DefaultGroup
	}
	return k
}

// check is Nacos' parameter check: it returns the answer that refuses the request.
func (n *serviceName) check(typ string) (naming.Key, reply, bool) {
	k := n.key()
	if strings.TrimSpace(k.Name) == "" { // what the check lets pass fails in the handler
		return k, broken(codeFail, "Param 'serviceName' is illegal, serviceName is blank"), false
	}
	if text, bad := resource.Refusal(resource.CheckServiceKey(k)); bad {
		return k, invalid(typ, text), false
	}
	return k, reply{}, true
}

// invalid answers what Nacos' parameter check refuses.
func invalid(typ, text string) reply {
	return ownFailure(typ, codeInvalid, "Param check invalid:"+text)
}

// instanceOf reads an instance.
func instanceOf(v payload.Value) (naming.Instance, error) {
	i := naming.Instance{Weight: 1, Healthy: true, Enabled: true, IDForm: naming.IDNull}
	var cluster string
	var named bool
	var metadata map[string]string
	err := v.Fields(func(field string, v payload.Value) error {
		switch field {
		case "instanceId":
			return v.Text(&i.ID, nil)
		case "ip":
			return v.Text(&i.IP, nil)
		case "port":
			var port int64
			err := v.Int(&port)
			i.Port = int(port)
			return err
		case "weight":
			return v.Float(&i.Weight)
		case "healthy":
			return v.Bool(&i.Healthy)
		case "enabled":
			return v.Bool(&i.Enabled)
		case "clusterName":
			return v.Text(&cluster, &named)
		case "metadata":
			metadata = make(map[string]string)
			return v.Map(func(name, value string) { metadata[name] = value })
		}
		return nil
	})
	i.Cluster, i.Metadata = cluster, naming.MetadataOf(metadata)
	switch { // how the id shows the cluster (grpc.md §6.1)
	case i.ID != "":
		i.IDForm = naming.IDGiven
	case named && cluster == "":
		i.IDForm = naming.IDBlank
	case named:
		i.IDForm = naming.IDSimple
	}
	return i, err
}

// instanceRequest is a request about one instance.
type instanceRequest struct {
	serviceName
	kind     string
	instance naming.Instance
	given    bool
}

func readInstance(body []byte) (r instanceRequest, err error) {
	err = payload.Fields(body, func(field string, v payload.Value) (err error) {
		switch field {
		case "type":
			return v.Text(&r.kind, nil)
		case "instance":
			if r.given = !v.IsNull(); r.given {
				r.instance, err = instanceOf(v)
			}
			return err
		}
		_, err = r.field(field, v)
		return err
	})
	return r, err
}

// noInstance answers a request that lacks its instance.
var noInstance = broken(codeInvalid, "Instance can not be null.")

// done answers a request about instances: the type comes back.
func done(response, kind string) reply {
	b := payload.AppendString(append(make([]byte, 0, 96), `{"resultCode":200,"errorCode":0,"type":`...), kind)
	return reply{payload.Encode(response, "", append(b, `,"success":true}`...))}
}

// disconnected answers on a connection that is not one of naming.
func (s *Server) disconnected() reply {
	return s.fail(broken(codeDisconnected, "Client is disconnected: this connection did not introduce itself with the label module=naming"))
}

// namingFault answers what the registry refused.
func (s *Server) namingFault(typ string, err error) reply {
	switch fault.CodeOf(err) {
	case naming.CodeKind, naming.CodeBeats, naming.CodeCluster:
		return s.fail(broken(codeInvalid, "errCode: 400, errMsg: "+fault.TextOf(err)+" "))
	case naming.CodePort:
		return s.fail(invalid(typ, resource.PortRange))
	case naming.CodeMetadata:
		return s.fail(invalid(typ, resource.TooLong("Metadata", s.cfg.Naming.MaxMetadata())))
	case naming.CodeName:
		if text, ok := resource.Refusal(err); ok {
			return s.fail(invalid(typ, text))
		}
	case naming.CodeGone:
		return s.disconnected()
	}
	return s.fault(typ, err)
}

// instance answers InstanceRequest.
func (s *Server) instance(_ context.Context, c *Conn, m *payload.Message) reply {
	const typ = "InstanceRequest"
	r, err := readInstance(m.Body)
	if err != nil {
		return s.fail(unparsable(err))
	}
	k, refused, ok := r.check(typ)
	if !ok {
		return s.fail(refused)
	}
	if c.naming == nil {
		return s.disconnected()
	}
	switch r.kind {
	case typeRegister:
		if !r.given {
			return s.fail(noInstance)
		}
		if err := c.naming.Register(k, r.instance); err != nil {
			return s.namingFault(typ, err)
		}
	case typeDeregister:
		c.naming.Deregister(k)
	default:
		return s.fail(broken(codeInvalid, "Unsupported request type "+r.kind))
	}
	return done("InstanceResponse", r.kind)
}

// batch answers BatchInstanceRequest.
func (s *Server) batch(_ context.Context, c *Conn, m *payload.Message) reply {
	const typ = "BatchInstanceRequest"
	var n serviceName
	var kind string
	var given bool
	var instances []naming.Instance
	if err := payload.Fields(m.Body, func(field string, v payload.Value) error {
		switch field {
		case "type":
			return v.Text(&kind, nil)
		case "instances":
			given = !v.IsNull()
			return v.Items(func(v payload.Value) error {
				i, err := instanceOf(v)
				instances = append(instances, i)
				return err
			})
		}
		_, err := n.field(field, v)
		return err
	}); err != nil {
		return s.fail(unparsable(err))
	}
	k, refused, ok := n.check(typ)
	switch {
	case !ok:
		return s.fail(refused)
	case c.naming == nil:
		return s.disconnected()
	case kind != typeBatchRegister:
		return s.fail(broken(codeInvalid, "Unsupported request type "+kind))
	case !given:
		return s.fail(broken(codeFail, "the request has no instances"))
	}
	if err := c.naming.RegisterBatch(k, instances); err != nil {
		return s.namingFault(typ, err)
	}
	return done("BatchInstanceResponse", kind)
}

// persistent answers PersistentInstanceRequest, on any connection.
func (s *Server) persistent(ctx context.Context, c *Conn, m *payload.Message) reply {
	const typ = "PersistentInstanceRequest"
	r, err := readInstance(m.Body)
	if err != nil {
		return s.fail(unparsable(err))
	}
	k, refused, ok := r.check(typ)
	switch {
	case !ok:
		return s.fail(refused)
	case !r.given:
		return s.fail(noInstance)
	}
	by := naming.Actor{IP: c.Client.IP, Client: c.Client.ID}
	switch r.kind {
	case typeRegister:
		err = s.cfg.Naming.RegisterPersistent(ctx, by, k, r.instance)
	case typeDeregister:
		_, err = s.cfg.Naming.DeregisterPersistent(ctx, by, k, r.instance.IP, r.instance.Port)
	default:
		return s.fail(broken(codeInvalid, "Unsupported request type "+r.kind))
	}
	if err != nil {
		return s.namingFault(typ, err)
	}
	return done("InstanceResponse", r.kind)
}

// queryService answers ServiceQueryRequest, on any connection.
func (s *Server) queryService(_ context.Context, c *Conn, m *payload.Message) reply {
	const typ = "ServiceQueryRequest"
	var n serviceName
	q := naming.Query{Labels: c.labels}
	if err := payload.Fields(m.Body, func(field string, v payload.Value) error {
		switch field {
		case "cluster":
			return v.Text(&q.Clusters, nil)
		case "healthyOnly":
			return v.Bool(&q.HealthyOnly)
		}
		_, err := n.field(field, v)
		return err
	}); err != nil {
		return s.fail(unparsable(err))
	}
	k, refused, ok := n.check(typ)
	if !ok {
		return s.fail(refused)
	}
	return s.serviceAnswer("QueryServiceResponse", "", s.cfg.Naming.Lookup(k, q))
}

// subscribe answers SubscribeServiceRequest.
func (s *Server) subscribe(_ context.Context, c *Conn, m *payload.Message) reply {
	const typ = "SubscribeServiceRequest"
	var n serviceName
	var clusters string
	var begins bool
	if err := payload.Fields(m.Body, func(field string, v payload.Value) error {
		switch field {
		case "subscribe":
			return v.Bool(&begins)
		case "clusters":
			return v.Text(&clusters, nil)
		}
		_, err := n.field(field, v)
		return err
	}); err != nil {
		return s.fail(unparsable(err))
	}
	k, refused, ok := n.check(typ)
	switch {
	case !ok:
		return s.fail(refused)
	case c.naming == nil:
		return s.disconnected()
	}
	if !begins {
		c.naming.Unsubscribe(k)
		return s.serviceAnswer("SubscribeServiceResponse", `,"message":"success"`, s.cfg.Naming.Lookup(k, naming.Query{Clusters: clusters, Labels: c.labels}))
	}
	view, err := c.naming.Subscribe(k, clusters)
	if err != nil {
		return s.namingFault(typ, err)
	}
	c.naming.Repeat(k)
	return s.serviceAnswer("SubscribeServiceResponse", `,"message":"success"`, view)
}

// serviceAnswer answers with what a client is to see of a service.
func (s *Server) serviceAnswer(response, more string, v *naming.View) reply {
	info := s.serviceInfo(v)
	b := make([]byte, 0, 96+len(info))
	b = append(append(b, `{"resultCode":200,"errorCode":0`...), more...)
	b = append(append(b, `,"serviceInfo":`...), info...)
	return reply{payload.Encode(response, "", append(b, `,"success":true}`...))}
}

// listServices answers ServiceListRequest, on any connection.
func (s *Server) listServices(_ context.Context, _ *Conn, m *payload.Message) reply {
	var n serviceName
	var page, size int64
	if err := payload.Fields(m.Body, func(field string, v payload.Value) error {
		switch field {
		case "pageNo":
			return v.Int(&page)
		case "pageSize":
			return v.Int(&size)
		}
		_, err := n.field(field, v)
		return err
	}); err != nil {
		return s.fail(unparsable(err))
	}
	k := n.key()
	names, total := s.cfg.Naming.Services(k.Namespace, k.Group, int(max(page, 1)), int(min(max(size, 0), mostServices)))
	b := append(make([]byte, 0, 128+32*len(names)), `{"resultCode":200,"errorCode":0,"count":`...)
	b = appendNumber(b, int64(total))
	b = append(b, `,"serviceNames":[`...)
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = payload.AppendString(b, name)
	}
	return reply{payload.Encode("ServiceListResponse", "", append(b, `],"success":true}`...))}
}

// mostServices is the size of the largest page of services.
const mostServices = 10_000
