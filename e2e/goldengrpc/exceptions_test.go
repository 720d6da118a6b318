package goldengrpc

import (
	"fmt"
	"maps"
	"slices"
)

// exception is an answer or a push that is not to be like the recorded one.
type exception struct {
	why string
	// is are the fields that it has instead; nil leaves a field out.
	is map[string]any
	// info are the fields that the service in it has instead, hosts makes its instances of the recorded ones.
	info  map[string]any
	hosts func([]any) []any
}

const (
	stale    = "a query right after a publish shows what was published"
	outlived = "gray versions do not outlive the formal content"
	others   = "services of the other transcripts are not there"
	cleaned  = "services without instances stay for a minute, which a replay does not wait"
	once     = "an address, port and cluster are listed once"
	defaults = "a namespace or a group that is not named is the default one"
	ranged   = "addresses and weights are checked"
	vanished = "services without instances are not there for watches"
	spelled  = "each listener is told with the namespace as it wrote it"
)

// exceptions are by transcript, connection and stream, and, for pushes, the number they were recorded with.
var exceptions = map[string]exception{
	"raw 2/41":   {why: outlived, is: map[string]any{"resultCode": 500.0, "errorCode": 404.0, "success": false, "message": "there is no gray version beta of raw.a"}},
	"raw 8/19":   {why: outlived, is: map[string]any{"resultCode": 500.0, "errorCode": 404.0, "success": false, "message": "there is no gray version beta of raw.b"}},
	"raw 1#58":   {why: spelled, is: map[string]any{"tenant": "public"}},
	"raw 23/17":  {why: stale, is: found("1", "c4ca4238a0b923820dcc509a6f75849b")},
	"raw 23/21":  {why: stale, is: found("2", "c81e728d9d4c2f636f067f89cc14862c")},
	"raw 23/25":  {why: stale, is: found("3", "eccbc87e4b5ce2fe28308fd9f2a7baf3")},
	"java2 3/27": {why: others, is: services(2, "g2.perm", "g2.svc")},
	"java2 3/29": {why: others, is: services(2)},
	"java3 3/27": {why: others, is: services(2, "g3.perm", "g3.svc")},
	"java3 3/29": {why: others, is: services(2)},
	"go 3/15":    {why: others, is: services(1, "gg.svc")},
	"raw 22/5":   {why: cleaned, is: services(9, rawServices...)},
	"raw 22/9":   {why: cleaned, is: services(9, rawServices...)},
	"raw 22/11":  {why: cleaned, is: services(9, rawServices...)},

	"raw 3/39":   {why: once, hosts: oneOf83},
	"raw 3/43":   {why: once, hosts: oneOf83},
	"raw 3/45":   {why: defaults, hosts: are(host("G@@raw.s", "10.5.0.1", 80, nil), host("G@@raw.s", "10.5.0.4", 83, map[string]any{"metadata": map[string]any{"dup": "1"}, "instanceIdGenerator": nil}), ownID)},
	"raw 3/47":   {why: defaults, info: map[string]any{"groupName": "DEFAULT_GROUP"}},
	"raw 3/11":   {why: ranged, is: refused},
	"raw 3/33":   {why: ranged, is: services(0)},
	"raw 3/35":   {why: ranged, is: services(0)},
	"raw 22/23":  {why: ranged, is: refused},
	"raw 22/25":  {why: ranged, hosts: are(host("G@@raw.n", "10.5.0.1", 80, map[string]any{"instanceId": "10.5.0.1#80##G@@raw.n", "weight": 2.0, "metadata": map[string]any{"n": "5", "b": "true"}, "instanceIdGenerator": nil}))},
	"raw 22/29":  {why: stale, hosts: weightless},
	"raw 22/31":  {why: ranged, is: refused},
	"raw 22/33":  {why: ranged, hosts: weightless},
	"java3 12/9": {why: stale, hosts: are(host("DEFAULT_GROUP@@g3.reset", "10.9.2.1", 1, nil))},
	"java3 7#37": {why: vanished, is: map[string]any{"contexts": []any{map[string]any{"serviceKey": "public@@DEFAULT_GROUP@@g3.s1", "changedType": "ADD_SERVICE"}}}},
}

var rawServices = []any{"raw.s", "rawf.b", "rawf.p", "rawf.q0", "rawf.q1", "rawf.q2", "rawf.s1", "rawf.s2", "rawg.p"}

// refused is what an answer about an instance has instead when the instance is refused.
var refused = map[string]any{"resultCode": 500.0, "errorCode": 400.0, "success": false, "message": "why", "type": nil}

// host is an instance that says of itself what more does; nil leaves a field out.
func host(service, ip string, port float64, more map[string]any) any {
	h := map[string]any{
		"instanceId": fmt.Sprintf("%s#%v#null#%s", ip, port, service), "ip": ip, "port": port, "weight": 1.0, "healthy": true, "enabled": true, "ephemeral": true,
		"clusterName": "DEFAULT", "serviceName": service, "metadata": map[string]any{}, "instanceHeartBeatInterval": 5000.0,
		"instanceHeartBeatTimeOut": 15000.0, "ipDeleteTimeout": 30000.0, "instanceIdGenerator": "simple",
	}
	exception{is: more}.apply(h)
	return h
}

var ownID = host("G@@raw.s", "10.5.0.2", 81, map[string]any{
	"instanceId": "own-id", "weight": 0.5, "healthy": false, "clusterName": "C1", "instanceHeartBeatTimeOut": 20000.0,
	"metadata": map[string]any{"a": "b", "preserved.heart.beat.timeout": "20000"}, "instanceIdGenerator": nil,
})

func are(list ...any) func([]any) []any { return func([]any) []any { return list } }

// oneOf83 drops the first of two instances of one address.
func oneOf83(list []any) []any {
	return slices.DeleteFunc(list, func(h any) bool {
		m := h.(map[string]any)
		return m["port"] == 83.0 && len(m["metadata"].(map[string]any)) == 0
	})
}

func weightless(list []any) []any {
	for _, h := range list {
		h.(map[string]any)["weight"] = 0.0
	}
	return list
}

func services(count float64, names ...any) map[string]any {
	return map[string]any{"count": count, "serviceNames": append([]any{}, names...)}
}

func found(content, md5 string) map[string]any {
	return map[string]any{
		"resultCode": 200.0, "errorCode": 0.0, "success": true, "message": nil, "content": content, "md5": md5,
		"encryptedDataKey": "", "contentType": "text", "lastModified": 1.0,
	}
}

func (e exception) apply(body map[string]any) {
	for name, v := range e.is {
		if v == nil {
			delete(body, name)
		} else {
			body[name] = v
		}
	}
	if info, ok := body["serviceInfo"].(map[string]any); ok {
		maps.Copy(info, e.info)
		if e.hosts != nil {
			info["hosts"] = e.hosts(info["hosts"].([]any))
		}
	}
}

// untold are pushes that Nacos had no time for, as the connection was closed right after the change, or the replay has.
var untold = map[string]bool{
	"go 1 ConfigChangeNotifyRequest gg.later DEFAULT_GROUP":                  true,
	"java3 6 ConfigFuzzyWatchChangeNotifyRequest g3.f1+DEFAULT_GROUP+public": true,
	"java3 6 ConfigFuzzyWatchChangeNotifyRequest g3.f2+DEFAULT_GROUP+public": true,
	// The client does not listen anew after it was told of a change in an answer.
	"raw 1 ConfigChangeNotifyRequest raw.none G": true,
	// Removals are told once more, as Java's client does not take them from a first difference.
	"raw 9 NamingFuzzyWatchChangeNotifyRequest public@@G@@rawf.s9": true,
	// Nacos begins no watch without receivedGroupKeys.
	"raw 9 NamingFuzzyWatchSyncRequest public>>G>>nomatch*":  true,
	"raw 24 NamingFuzzyWatchSyncRequest public>>G>>nomatch*": true,
}

// unsaid are pushes that are not to come.
var unsaid = map[string]string{
	"raw 3#71": "registrations that change nothing",
}

// slow are queries whose answers wait for what probes find; they are asked again until it is found.
var slow = map[string]bool{"raw 9/73": true}
