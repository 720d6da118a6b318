package wire

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// SwitchDomain are the switches as Nacos shows them.
type SwitchDomain struct {
	Masters                                  []string        `json:"masters"`
	AdWeightMap                              map[string]int  `json:"adWeightMap"`
	DefaultPushCacheMillis                   json.Number     `json:"defaultPushCacheMillis"`
	ClientBeatInterval                       json.Number     `json:"clientBeatInterval"`
	DefaultCacheMillis                       json.Number     `json:"defaultCacheMillis"`
	DistroThreshold                          json.Number     `json:"distroThreshold"`
	HealthCheckEnabled                       bool            `json:"healthCheckEnabled"`
	AutoChangeHealthCheckEnabled             bool            `json:"autoChangeHealthCheckEnabled"`
	DistroEnabled                            bool            `json:"distroEnabled"`
	EnableStandalone                         bool            `json:"enableStandalone"`
	PushEnabled                              bool            `json:"pushEnabled"`
	CheckTimes                               json.Number     `json:"checkTimes"`
	HTTPHealthParams                         json.RawMessage `json:"httpHealthParams"`
	TCPHealthParams                          json.RawMessage `json:"tcpHealthParams"`
	MySQLHealthParams                        json.RawMessage `json:"mysqlHealthParams"`
	IncrementalList                          []string        `json:"incrementalList"`
	ServerStatusSynchronizationPeriodMillis  json.Number     `json:"serverStatusSynchronizationPeriodMillis"`
	ServiceStatusSynchronizationPeriodMillis json.Number     `json:"serviceStatusSynchronizationPeriodMillis"`
	DisableAddIP                             bool            `json:"disableAddIP"`
	SendBeatOnly                             bool            `json:"sendBeatOnly"`
	LightBeatEnabled                         bool            `json:"lightBeatEnabled"`
	LimitedURLMap                            map[string]int  `json:"limitedUrlMap"`
	DistroServerExpiredMillis                json.Number     `json:"distroServerExpiredMillis"`
	PushVersionOfGo                          string          `json:"pushVersionOfGo"`
	PushVersionOfJava                        string          `json:"pushVersionOfJava"`
	PushVersionOfPython                      string          `json:"pushVersionOfPython"`
	PushVersionOfC                           string          `json:"pushVersionOfC"`
	PushVersionOfCsharp                      string          `json:"pushVersionOfCsharp"`
	EnableAuthentication                     bool            `json:"enableAuthentication"`
	OverriddenServerStatus                   *string         `json:"overriddenServerStatus"`
	DefaultInstanceEphemeral                 bool            `json:"defaultInstanceEphemeral"`
	HealthCheckWhiteList                     []string        `json:"healthCheckWhiteList"`
	Name                                     string          `json:"name"`
	Checksum                                 *string         `json:"checksum"`
}

// NamingSwitches returns the switches as Nacos shows them.
func (d *Deps) NamingSwitches() SwitchDomain {
	switches := d.Naming.Switches()
	texts := switches.Texts
	number := func(entry string) json.Number { return jsonNumber(texts[entry]) }
	on := func(entry string) bool { return strings.EqualFold(texts[entry], "true") }
	whiteList := SplitList(texts["healthCheckWhiteList"])
	if whiteList == nil {
		whiteList = []string{}
	}
	limited := map[string]int{}
	for _, one := range switches.Limited {
		limited[one.URL] = one.Status
	}
	return SwitchDomain{
		Masters: SplitList(texts["masters"]), AdWeightMap: map[string]int{}, DefaultPushCacheMillis: number("pushCacheMillis"),
		ClientBeatInterval: number("clientBeatInterval"), DefaultCacheMillis: number("defaultCacheMillis"), DistroThreshold: number("distroThreshold"),
		HealthCheckEnabled: on("check"), AutoChangeHealthCheckEnabled: on("autoChangeHealthCheckEnabled"), DistroEnabled: on("distro"), EnableStandalone: true,
		PushEnabled: on("pushEnabled"), CheckTimes: number("healthCheckTimes"), HTTPHealthParams: json.RawMessage(texts["httpHealthParams"]),
		TCPHealthParams: json.RawMessage(texts["tcpHealthParams"]), MySQLHealthParams: json.RawMessage(texts["mysqlHealthParams"]), IncrementalList: []string{},
		ServerStatusSynchronizationPeriodMillis:  number("serverStatusSynchronizationPeriodMillis"),
		ServiceStatusSynchronizationPeriodMillis: number("serviceStatusSynchronizationPeriodMillis"),
		DisableAddIP:                             on("disableAddIP"), SendBeatOnly: on("sendBeatOnly"), LightBeatEnabled: on("lightBeatEnabled"), LimitedURLMap: limited,
		DistroServerExpiredMillis: number("distroServerExpiredMillis"), PushVersionOfGo: texts["pushVersion.go"], PushVersionOfJava: texts["pushVersion.java"],
		PushVersionOfPython: texts["pushVersion.python"], PushVersionOfC: texts["pushVersion.c"], PushVersionOfCsharp: texts["pushVersion.csharp"],
		OverriddenServerStatus: NullText(texts["overriddenServerStatus"]), DefaultInstanceEphemeral: on("defaultInstanceEphemeral"),
		HealthCheckWhiteList: whiteList, Name: "00-00---000-NACOS_SWITCH_DOMAIN-000---00-00",
	}
}

// jsonNumber returns a number that Go could read as JSON writes one, 0 for what is none.
func jsonNumber(text string) json.Number {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return json.Number(strconv.FormatInt(n, 10))
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return "0"
	}
	return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
}
