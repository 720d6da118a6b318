package goldengrpc

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"nacre/server/rpc/rpctest"
)

// wording are the messages that SDKs, or people who search for them, compare; of others only that there is one.
var wording = []string{
	"config data not exist", "Cas publish fail, server md5 may have changed.", "Connection is unregistered.",
	"Server is starting,please try later.", "content is blank : ", "content is blank : null", "invalid group : ", "invalid dataId : ",
	"errCode: 101, errMsg: Nacos deserialize failed.  ",
}

func worded(message string) bool {
	return strings.HasPrefix(message, "Param check invalid:") || slices.Contains(wording, message)
}

// differences says in what an answer or a push is not what was recorded; connection is the id of its connection.
func differences(want *record, got rpctest.Message, connection string) []string {
	var out []string
	differ := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if got.Type != want.Type {
		differ("the type is %q, want %q", got.Type, want.Type)
	}
	if len(got.Headers) != 0 || want.Call == "unary" && got.ClientIP != "" {
		differ("there is more than the type in the metadata: %v %q", got.Headers, got.ClientIP)
	}
	w, g := object(want.Body), object(got.Body)
	if a, b := slices.Sorted(maps.Keys(w)), slices.Sorted(maps.Keys(g)); !slices.Equal(a, b) {
		differ("the fields are %v, want %v", b, a)
		return out
	}
	for name, was := range w {
		is := g[name]
		switch name {
		case "connectionId":
			was = connection
		case "requestId":
			if id, ok := is.(string); !ok || id == "" {
				differ("requestId is %v", is)
			}
			continue
		case "lastModified":
			if was != 0.0 && is != 0.0 {
				continue
			}
		case "message":
			if text, _ := was.(string); !worded(text) {
				if is == "" {
					differ("message is blank")
				}
				continue
			}
		case "errorCode":
			// Nacos leaves 0 in removals that did not succeed, which Python's SDK takes for success.
			if want.Type == "ConfigRemoveResponse" && was == 0.0 && w["resultCode"] != 200.0 && is != 0.0 {
				continue
			}
		case "abilityTable": // of what this server can
			continue
		case "serviceInfo":
			out = append(out, infoDifferences(was, is)...)
			continue
		case "changedConfigs", "contexts", "serviceNames":
			was, is = sorted(was), sorted(is)
		}
		if !reflect.DeepEqual(is, was) {
			differ("%s is %v, want %v", name, is, was)
		}
	}
	return out
}

// infoDifferences says in what a service is not as it was recorded. Hosts come in any order.
func infoDifferences(want, got any) (out []string) {
	w, _ := want.(map[string]any)
	g, _ := got.(map[string]any)
	if ref, ok := g["lastRefTime"].(float64); !ok || ref <= 0 {
		out = append(out, fmt.Sprintf("lastRefTime is %v", g["lastRefTime"]))
	}
	w, g = maps.Clone(w), maps.Clone(g)
	delete(w, "lastRefTime")
	delete(g, "lastRefTime")
	if g["allIPs"] != false { // the name that version 2 reads; version 3 sends the other alone
		out = append(out, fmt.Sprintf("allIPs is %v", g["allIPs"]))
	}
	delete(g, "allIPs")
	w["hosts"], g["hosts"] = hosts(w["hosts"]), hosts(g["hosts"])
	if !reflect.DeepEqual(w, g) {
		for _, name := range slices.Sorted(maps.Keys(w)) {
			if !reflect.DeepEqual(w[name], g[name]) {
				out = append(out, fmt.Sprintf("%s is %v, want %v", name, g[name], w[name]))
			}
		}
		if a, b := slices.Sorted(maps.Keys(w)), slices.Sorted(maps.Keys(g)); !slices.Equal(a, b) {
			out = append(out, fmt.Sprintf("the fields of the service are %v, want %v", b, a))
		}
	}
	return out
}

// hosts returns instances in a fixed order. What probes found of persistent ones is a matter of time, and left out.
func hosts(list any) any {
	items, ok := list.([]any)
	if !ok {
		return list
	}
	for i, item := range items {
		if host, ok := item.(map[string]any); ok && host["ephemeral"] == false {
			host = maps.Clone(host)
			delete(host, "healthy")
			items[i] = host
		}
	}
	return sorted(items)
}

// sorted returns a list as texts in a fixed order: the order of contexts does not count.
func sorted(list any) any {
	items, ok := list.([]any)
	if !ok {
		return list
	}
	out := []string{}
	for _, item := range items {
		b, _ := json.Marshal(item)
		out = append(out, string(b))
	}
	slices.Sort(out)
	return out
}
