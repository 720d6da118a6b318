package rpc

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/fault"
	"nacre/server/resource"
	"nacre/server/rpc/payload"
)

// registerConfigs adds the requests about configurations (grpc.md §5).
func registerConfigs(s *Server) {
	s.handlers["ConfigQueryRequest"] = s.query
	s.handlers["ConfigPublishRequest"] = s.publish
	s.handlers["ConfigRemoveRequest"] = s.remove
	s.handlers["ConfigBatchListenRequest"] = s.listen
}

// How a client wrote a namespace; pushes and answers write it the same way.
const (
	tenantGiven  uint8 = iota // as it is
	tenantBlank               // ""
	tenantAbsent              // not at all
)

// name is a configuration as a request names it.
type name struct {
	dataID, group, tenant string
	tenantGiven           bool
}

// field takes one of the fields that name a configuration, and reports whether it was one.
func (n *name) field(field string, v payload.Value) (bool, error) {
	switch field {
	case "dataId":
		return true, v.Text(&n.dataID, nil)
	case "group":
		return true, v.Text(&n.group, nil)
	case "tenant":
		return true, v.Text(&n.tenant, &n.tenantGiven)
	}
	return false, nil
}

// key returns the name as the domain knows it: a blank namespace is the default one.
func (n *name) key() config.Key {
	ns := strings.TrimSpace(n.tenant)
	if ns == "" {
		ns = resource.DefaultNamespace
	}
	return config.Key{Namespace: ns, Group: n.group, DataID: n.dataID}
}

func (n *name) spelling() uint8 {
	switch {
	case !n.tenantGiven:
		return tenantAbsent
	case strings.TrimSpace(n.tenant) == "":
		return tenantBlank
	}
	return tenantGiven
}

// check is Nacos' parameter check: it returns the answer that refuses the request.
func (n *name) check(typ string) (reply, bool) {
	if text := resource.CheckNames(n.tenant, n.dataID, n.group); text != "" {
		return ownFailure(typ, codeInvalid, "Param check invalid:"+text), false
	}
	return reply{}, true
}

// need is the check of handlers that can't do without a dataId and a group.
func (n *name) need(typ string) (reply, bool) {
	switch {
	case strings.TrimSpace(n.dataID) == "":
		return ownFailure(typ, codeInvalid, "invalid dataId : "+n.dataID), false
	case strings.TrimSpace(n.group) == "":
		return ownFailure(typ, codeInvalid, "invalid group : "+n.group), false
	}
	return n.check(typ)
}

// readTagged reads a request that names a configuration and perhaps a tag.
func readTagged(body []byte) (n name, tag string, err error) {
	err = payload.Fields(body, func(field string, v payload.Value) error {
		if field == "tag" {
			return v.Text(&tag, nil)
		}
		_, err := n.field(field, v)
		return err
	})
	return n, tag, err
}

// query answers ConfigQueryRequest (grpc.md §5.1).
func (s *Server) query(_ context.Context, c *Conn, m *payload.Message) reply {
	const typ = "ConfigQueryRequest"
	n, tag, err := readTagged(m.Body)
	if err != nil {
		return s.fail(unparsable(err))
	}
	if r, ok := n.check(typ); !ok {
		return s.fail(r)
	}
	if strings.TrimSpace(n.dataID) == "" || strings.TrimSpace(n.group) == "" {
		return s.fail(ownFailure(typ, codeFail, "dataId and group are required"))
	}
	if s.cfg.Count != nil {
		s.cfg.Count.Inc()
	}
	sees := c.sees()
	tag = strings.TrimSpace(tag)
	if tag != "" {
		sees.Tag = tag
	}
	item := s.cfg.Configs.Item(n.key())
	gray := (*config.Gray)(nil)
	if item != nil && len(item.Grays) > 0 {
		gray = item.Match(sees)
	}
	switch {
	case gray != nil:
		return s.bodies.gray(item, gray, c.noTag)
	case item == nil:
		return s.fail(absent)
	case tag != "":
		if c.noTag {
			return s.fail(absent)
		}
		return s.fail(untagged(tag))
	case item.Formal == nil:
		return s.fail(absent)
	}
	return s.bodies.formal(item.Formal)
}

var absent = reply{payload.Encode("ConfigQueryResponse", "", []byte(
	`{"resultCode":500,"errorCode":300,"message":"config data not exist","lastModified":0,"beta":false,"success":false}`))}

// untagged answers that a configuration has nothing for a tag that was asked for. Unlike that of a variant which is
// served, the tag is echoed as it came.
func untagged(tag string) reply {
	b := failed(codeFail, codeStarting, "config data not exist")
	b = append(b[:len(b)-1], `,"lastModified":0,"beta":false,"tag":`...)
	b = payload.AppendString(b, tag)
	return reply{payload.Encode("ConfigQueryResponse", "", append(b, '}'))}
}

// publish answers ConfigPublishRequest (grpc.md §5.2).
func (s *Server) publish(ctx context.Context, c *Conn, m *payload.Message) reply {
	const typ = "ConfigPublishRequest"
	var n name
	var content []byte // nil when there was none
	var casMD5 string
	var more additions
	if err := payload.Fields(m.Body, func(field string, v payload.Value) error {
		switch field {
		case "content":
			return v.Content(&content)
		case "casMd5":
			return v.Text(&casMD5, nil)
		case "additionMap":
			return v.Map(more.add)
		}
		_, err := n.field(field, v)
		return err
	}); err != nil {
		return s.fail(unparsable(err))
	}
	if r, ok := n.need(typ); !ok {
		return s.fail(r)
	}
	switch {
	case content == nil:
		return s.fail(ownFailure(typ, codeInvalid, "content is blank : null"))
	case len(bytes.TrimSpace(content)) == 0:
		return s.fail(ownFailure(typ, codeInvalid, "content is blank : "+string(content)))
	}
	d := more.draft()
	d.Key, d.Content = n.key(), content
	if casMD5 = strings.TrimSpace(casMD5); casMD5 != "" {
		d.CASMD5 = casMD5
	}
	if _, err := s.cfg.Configs.Publish(ctx, config.Actor{User: more.srcUser, IP: c.Client.IP}, d); err != nil {
		return s.fault(typ, err)
	}
	return published
}

var (
	published = reply{payload.Encode("ConfigPublishResponse", "", []byte(okBody))}
	removed   = reply{payload.Encode("ConfigRemoveResponse", "", []byte(okBody))}
	unheard   = reply{payload.Encode("ConfigChangeBatchListenResponse", "", []byte(`{"resultCode":200,"errorCode":0,"changedConfigs":[],"success":true}`))}
)

// additions are a publish's additionMap. Blank values are as good as none: Go's SDK sends all of them.
type additions struct {
	typ, tag, betaIPs, dataKey, srcUser string
	appName, desc, use, effect, schema  *string
	tags                                *string
}

func (a *additions) add(name, value string) {
	if strings.TrimSpace(value) == "" {
		return
	}
	switch name {
	case "type":
		a.typ = value
	case "tag":
		a.tag = strings.TrimSpace(value)
	case "betaIps":
		a.betaIPs = value
	case "encryptedDataKey":
		a.dataKey = value
	case "src_user":
		a.srcUser = value
	case "appName":
		a.appName = &value
	case "desc":
		a.desc = &value
	case "use":
		a.use = &value
	case "effect":
		a.effect = &value
	case "schema":
		a.schema = &value
	case "config_tags":
		a.tags = &value
	}
}

func (a *additions) draft() config.Draft {
	d := config.Draft{
		Type: config.KnownType(a.typ), AppName: a.appName, Desc: a.desc, Use: a.use, Effect: a.effect, Schema: a.schema,
		EncryptedDataKey: a.dataKey,
	}
	if a.tags != nil {
		d.TagsGiven = true
		for t := range strings.SplitSeq(*a.tags, ",") {
			if t = strings.TrimSpace(t); t != "" && !slices.Contains(d.Tags, t) {
				d.Tags = append(d.Tags, t)
			}
		}
	}
	switch {
	case a.betaIPs != "":
		d.Gray = &config.GrayDraft{Name: config.GrayBeta, Rule: config.BetaRule(a.betaIPs)}
	case a.tag != "":
		d.Gray = &config.GrayDraft{Name: config.GrayTagPrefix + a.tag, Rule: config.TagRule(a.tag)}
	}
	return d
}

// remove answers ConfigRemoveRequest (grpc.md §5.3). The field tag is the whole name of a variant, as in Nacos 3:
// tag_x or beta, not x.
func (s *Server) remove(ctx context.Context, c *Conn, m *payload.Message) reply {
	const typ = "ConfigRemoveRequest"
	n, tag, err := readTagged(m.Body)
	if err != nil {
		return s.fail(unparsable(err))
	}
	if r, ok := n.need(typ); !ok {
		return s.fail(r)
	}
	gray := strings.TrimSpace(tag)
	out, err := s.cfg.Configs.Remove(ctx, config.Actor{IP: c.Client.IP}, n.key(), gray, config.Note{})
	switch {
	case err != nil:
		return s.fault(typ, err)
	case gray != "" && !out.Existed: // a missing configuration is as good as a removed one, a wrong name of a variant is not
		return s.fail(ownFailure(typ, codeNotFound, "there is no gray version "+gray+" of "+n.dataID))
	}
	return removed
}

// mostContexts bounds how many configurations one request may listen for; Java's SDK sends 3,000 at the most.
const mostContexts = 100_000

// listen answers ConfigBatchListenRequest (grpc.md §5.4).
func (s *Server) listen(_ context.Context, c *Conn, m *payload.Message) reply {
	const typ = "ConfigBatchListenRequest"
	listening := true
	names, watches := make([]name, 0, 16), make([]delivery.Watch, 0, 16)
	if err := payload.Fields(m.Body, func(field string, v payload.Value) error {
		switch field {
		case "listen":
			return v.Bool(&listening)
		case "configListenContexts":
			return v.Items(func(v payload.Value) error {
				if len(names) == mostContexts {
					return payload.ErrBody
				}
				like := name{group: "DEFAULT_GROUP", tenant: resource.DefaultNamespace}
				if len(names) > 0 {
					like = names[len(names)-1]
				}
				n, w, err := watch(v, like)
				names, watches = append(names, n), append(watches, w)
				return err
			})
		}
		return nil
	}); err != nil {
		return s.fail(unparsable(err))
	}
	for i := range names {
		if r, ok := names[i].check(typ); !ok {
			return s.fail(r)
		}
	}
	if !listening {
		keys := make([]config.Key, len(watches))
		for i := range watches {
			keys[i] = watches[i].Key
		}
		c.Session.Unlisten(keys)
		return unheard
	}
	changed, err := c.Session.Listen(watches)
	switch {
	case err != nil:
		return s.fault(typ, err)
	case len(changed) == 0:
		return unheard
	}
	b := append(make([]byte, 0, 128+128*len(changed)), `{"resultCode":200,"errorCode":0,"changedConfigs":[`...)
	for i, at := range changed {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"group":`...)
		b = payload.AppendString(b, names[at].group)
		b = append(b, `,"dataId":`...)
		b = payload.AppendString(b, names[at].dataID)
		if names[at].tenantGiven { // Java finds its own entry by it: as it was sent, or not at all
			b = append(b, `,"tenant":`...)
			b = payload.AppendString(b, names[at].tenant)
		}
		b = append(b, '}')
	}
	return reply{payload.Encode("ConfigChangeBatchListenResponse", "", append(b, `],"success":true}`...))}
}

// watch reads one context of a listen, most likely in the group and namespace of like.
func watch(v payload.Value, like name) (n name, w delivery.Watch, err error) {
	given := false
	err = v.Fields(func(field string, v payload.Value) error {
		switch field {
		case "dataId":
			return v.Text(&n.dataID, nil)
		case "group":
			return v.TextLike(&n.group, nil, like.group)
		case "tenant":
			return v.TextLike(&n.tenant, &n.tenantGiven, like.tenant)
		case "md5":
			return v.Text(&w.MD5, &given)
		}
		return nil
	})
	w.Key, w.NoMD5, w.Spelling = n.key(), !given, n.spelling()
	return n, w, err
}

// fail counts an answer that says failure.
func (s *Server) fail(r reply) reply {
	s.wrong.Add(1)
	return r
}

// fault answers an error of the domain in the request's own type.
func (s *Server) fault(typ string, err error) reply {
	s.wrong.Add(1)
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind == fault.Internal {
		s.cfg.Log.Error("a gRPC request failed", "type", typ, "error", err)
		return ownFailure(typ, codeFail, "internal error")
	}
	return ownFailure(typ, codeOf(f), f.Text)
}

// codeOf returns the error code for a fault (grpc.md §5.2).
func codeOf(f *fault.Error) int {
	switch f.Code {
	case config.CodeCAS:
		return codeFail
	case config.CodeQuotaCluster:
		return 5031
	case config.CodeQuotaGroup:
		return 5032
	case config.CodeQuotaNamespace:
		return 5033
	case config.CodeMaxSize:
		return 5034
	case config.CodeTooLarge:
		return codeInvalid
	}
	switch f.Kind {
	case fault.Invalid:
		return codeInvalid
	case fault.NotFound:
		return codeNotFound
	case fault.Conflict:
		return 409
	case fault.Denied:
		return codeDenied
	}
	return codeFail
}

// appendQuery appends the fields of a query's answer behind its content.
func appendQuery(b []byte, content []byte, md5 string, modifiedMs int64) []byte {
	b = append(b, `{"resultCode":200,"errorCode":0,"content":`...)
	b = payload.AppendString(b, content)
	b = append(b, `,"md5":"`...)
	b = append(b, md5...)
	b = append(b, `","lastModified":`...)
	return strconv.AppendInt(b, modifiedMs, 10)
}
