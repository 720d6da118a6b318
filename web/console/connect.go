package console

import (
	"fmt"
	"net"
	"net/url"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/resource"
	views "nacre/views/connect"
	"nacre/views/home"
	"nacre/views/parts"
	"nacre/views/words"
)

func (p *pages) connectRoutes(r fiber.Router) {
	r.Get(pathConnect, p.signedIn((*visit).connect))
}

// onePort is the value of the query's ports where clients are to reach gRPC on the port of HTTP.
const onePort = "one"

// connect shows what applications of the namespace are to be told, and code that they can start from.
func (v *visit) connect() error {
	w := &v.w.Connect
	k := config.Key{Namespace: v.ns, Group: v.c.Query("group", resource.DefaultGroup), DataID: v.c.Query("dataId", firstDataID)}
	m := views.Model{Words: w, Group: parts.Field{Name: "group", Label: w.Group, Value: k.Group}, DataID: parts.Field{Name: "dataId", Label: w.DataID, Value: k.DataID}}
	// What is no name does not get into code that people copy into a shell.
	if err := v.Configs.Check(config.Draft{Key: k, Content: []byte("x")}); err != nil {
		m.DataID.Error = v.say(err)
		v.ns = resource.DefaultNamespace
		k = config.Key{Namespace: resource.DefaultNamespace, Group: resource.DefaultGroup, DataID: firstDataID}
		v.c.Status(fiber.StatusBadRequest)
	}
	m.Page, m.Facts, m.Checks, m.Proxy, m.ClientsHref = v.frame(w.Title, pathConnect), v.connectFacts(k.Namespace), v.connectChecks(k), v.proxy(), pathClients
	_, m.Odd = v.ports()
	m.State, m.Connected = v.connected()
	grpc := v.GRPCPort
	if m.Port = v.c.Query("ports"); m.Port == onePort {
		grpc, m.PortText = v.Port, words.Fill(w.PortsOneText, strconv.Itoa(v.Port))
	} else {
		m.Port, m.PortText = "", words.Fill(w.PortsTwoText, strconv.Itoa(v.Port), strconv.Itoa(v.GRPCPort))
	}
	m.Snippets = v.snippets(k, grpc)
	m.Ports = []parts.Tab{
		{Text: w.PortsTwo, Href: pathConnect + keyQuery(k), Current: m.Port == ""},
		{Text: w.PortsOne, Href: pathConnect + keyQuery(k, "ports", onePort), Current: m.Port == onePort},
	}
	return v.render(views.Page(m))
}

func (v *visit) connectFacts(ns string) []parts.Fact {
	w := &v.w.Connect
	grpc := net.JoinHostPort(v.clientHost(), strconv.Itoa(v.GRPCPort))
	named := parts.Fact{Name: w.Namespace, Value: ns, Mono: true, CopyAs: ns, Title: w.NamespaceNote}
	if ns == resource.DefaultNamespace {
		named = parts.Fact{Name: w.Namespace, Value: w.NamespaceDefault}
	}
	facts := []parts.Fact{
		{Name: w.HTTP, Value: v.serverAddr(), Mono: true, CopyAs: v.serverAddr(), Title: w.HTTPNote},
		{Name: w.GRPC, Value: grpc, Mono: true, CopyAs: grpc, Title: w.GRPCNote},
		named,
		{Name: w.Firewall, Value: words.Fill(w.FirewallPorts, strconv.Itoa(v.Port), strconv.Itoa(v.GRPCPort))},
	}
	if !v.Settings.Auth {
		facts = append(facts, parts.Fact{Name: w.Login, Value: w.LoginNone})
	}
	return facts
}

// connected says how many applications are connected, and which came last.
func (v *visit) connected() (parts.State, string) {
	w := &v.w.Connect
	d, _ := v.Nodes.Summary(v.c.UserContext())
	number := v.w.Number(int64(d.GRPCClients + d.HTTPClients))
	if d.GRPCClients+d.HTTPClients == 0 {
		return parts.State{Kind: "off", Text: number}, w.Nobody
	}
	good := parts.State{Kind: "good", Text: v.w.Home.Ready}
	last, ok := v.Delivery.Latest()
	if !ok {
		return good, words.Fill(w.Connected, number)
	}
	return good, words.Fill(w.ConnectedLast, number, last.IP, last.SDK, v.moment(last.ConnectedMs).When)
}

// connectChecks are commands that show whether a machine reaches the server, and can read k.
func (v *visit) connectChecks(k config.Key) []home.Step {
	w := &v.w.Connect
	at := origin(v.c, v.Settings.HTTPAddr)
	grpc := url.URL{Scheme: "http", Host: net.JoinHostPort(v.clientHost(), strconv.Itoa(v.GRPCPort)), Path: "/"}
	return []home.Step{
		{Title: w.CheckHTTP, Text: w.CheckHTTPText, Answer: "ready", Command: fmt.Sprintf("curl '%s/readyz'", at)},
		{Title: w.CheckGRPC, Text: w.CheckGRPCText, Answer: "2", Command: fmt.Sprintf("curl -s -o /dev/null -w '%%{http_version}\\n' --http2-prior-knowledge '%s'", grpc.String())},
		{Title: w.CheckRead, Text: w.CheckReadText, Answer: w.CheckReadAnswer, Command: fmt.Sprintf("curl '%s'", v.readURL(k))},
	}
}

// proxy is a configuration of nginx that passes on all that this server does.
func (v *visit) proxy() string {
	return fmt.Sprintf(`# in http { … }
server {
    listen %[1]d;
    client_max_body_size %[3]dm;
    location / {
        proxy_pass http://%[4]s;
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $http_connection;
        proxy_read_timeout 120s;
        proxy_buffering off;
    }
}

# beside http { … }
stream {
    server {
        listen %[2]d;
        proxy_pass %[5]s;
        proxy_timeout 1h;
    }
}`, v.Port, v.GRPCPort, (v.Settings.BodyLimit()+1<<20-1)>>20, v.serverAddr(), net.JoinHostPort(v.clientHost(), strconv.Itoa(v.GRPCPort)))
}
