package words

// Connect are the texts of connecting applications.
type Connect struct {
	Title, Lead                  string
	Where                        string
	HTTP, GRPC, Namespace, Login string
	HTTPNote, GRPCNote           string
	NamespaceDefault             string
	NamespaceNote                string
	LoginNone                    string
	Firewall, FirewallPorts      string // FirewallPorts: HTTP port, gRPC port
	Nobody                       string
	Connected, ConnectedLast     string // number; number, address, SDK, how long ago
	Checks, ChecksText           string
	CheckHTTP, CheckHTTPText     string
	CheckGRPC, CheckGRPCText     string
	CheckRead, CheckReadText     string
	CheckReadAnswer              string
	Code, Show                   string
	Group, DataID                string
	Ports, PortsTwo, PortsOne    string
	PortsTwoText                 string // HTTP port, gRPC port
	PortsOneText                 string // HTTP port
	Proxy, ProxyText             string
}

var englishConnect = Connect{
	Title: "Connect an application", Lead: "Nacos' clients work with this server as they are. Addresses and ports here are those of this server, the host is the one at which you reached it.",
	Where: "What to tell them", HTTP: "Server address", GRPC: "gRPC address", Namespace: "Namespace ID", Login: "Login",
	HTTPNote: "The one setting that every client needs", GRPCNote: "Clients find it by themselves: their server's port plus 1000",
	NamespaceDefault: "leave it out: this is the default one", NamespaceNote: "The ID, not the name",
	LoginNone: "none is needed",
	Firewall:  "To be open", FirewallPorts: "TCP %s and %s, from applications to this server",
	Nobody:    "No application is connected yet. Start one with the code below: it appears here.",
	Connected: "Connected: %s", ConnectedLast: "Connected: %s; the latest from %s with %s, %s",
	Checks: "Check it", ChecksText: "Run these where the application runs.",
	CheckHTTP: "HTTP answers", CheckHTTPText: "No answer: a firewall or a wrong address. “not ready”: look at the overview.",
	CheckGRPC: "gRPC answers", CheckGRPCText: "2 means that HTTP/2 came through. 0 means that this port is closed, 1.1 that a proxy between speaks no HTTP/2.",
	CheckRead: "The configuration can be read", CheckReadText: "404 means that it is not there yet, or that namespace, group or data ID are others.",
	CheckReadAnswer: "its content",
	Code:            "Code", Show: "Show the code", Group: "Group", DataID: "Data ID",
	Ports: "Ports", PortsTwo: "Two ports", PortsOne: "One port only",
	PortsTwoText: "Reads a configuration and is told of its changes. HTTP on port %s and gRPC on port %s, where SDKs look for it.",
	PortsOneText: "Where only port %s can be opened: HTTP and gRPC both answer on it. Clients that speak gRPC must be told so, as below.",
	Proxy:        "Behind a proxy", ProxyText: "Keep the host as it is, let long requests wait and WebSockets through, and pass gRPC on as TCP. So that addresses of clients are right, name the proxy in the setting trusted-proxies.",
}

var chineseConnect = Connect{
	Title: "接入应用", Lead: "Nacos 客户端无需修改即可使用本服务器。以下地址和端口均为本服务器的实际值，主机名取自您当前访问的地址。",
	Where: "客户端需要的设置", HTTP: "服务器地址", GRPC: "gRPC 地址", Namespace: "命名空间 ID", Login: "登录",
	HTTPNote: "所有客户端都需要这一项", GRPCNote: "客户端会自动推算：服务器端口加 1000",
	NamespaceDefault: "无需填写，这是默认命名空间", NamespaceNote: "填写 ID 而不是名称",
	LoginNone: "不需要",
	Firewall:  "需要开放", FirewallPorts: "TCP %s 和 %s，方向为应用到本服务器",
	Nobody:    "还没有应用接入。用下面的代码启动一个，它会出现在这里。",
	Connected: "已连接 %s 个", ConnectedLast: "已连接 %s 个，最近一个来自 %s，%s，%s",
	Checks: "检查连通性", ChecksText: "请在应用所在的机器上运行。",
	CheckHTTP: "HTTP 可访问", CheckHTTPText: "没有返回：防火墙未放行或地址有误。返回 “not ready”：请查看概览页。",
	CheckGRPC: "gRPC 可访问", CheckGRPCText: "返回 2 表示 HTTP/2 连通；返回 0 表示端口不通；返回 1.1 表示中间的代理不支持 HTTP/2。",
	CheckRead: "可读取配置", CheckReadText: "返回 404 表示配置尚不存在，或者命名空间、分组、Data ID 有误。",
	CheckReadAnswer: "配置内容",
	Code:            "代码", Show: "显示代码", Group: "分组", DataID: "配置 ID（Data ID）",
	Ports: "端口", PortsTwo: "两个端口", PortsOne: "仅一个端口",
	PortsTwoText: "读取配置，并在其变化时收到通知。HTTP 使用端口 %s，gRPC 使用端口 %s，后者由 SDK 自动推算。",
	PortsOneText: "如果只能开放端口 %s：HTTP 和 gRPC 都可以使用该端口，但使用 gRPC 的客户端需要按下面的方式指定。",
	Proxy:        "经由代理", ProxyText: "请保留原始 Host，允许长时间等待的请求和 WebSocket，并以 TCP 方式转发 gRPC。为了正确识别客户端地址，请在 trusted-proxies 设置中填写代理地址。",
}
