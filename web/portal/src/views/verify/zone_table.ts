// Zones whose clocks stand still or follow one rule, as Polars says. Written by `make_zones.py`.

/** The rule, empty for a clock that stands still; minutes east of Greenwich in winter; the zones' names. */
export const TABLE: readonly (readonly [rule: string, east: number, names: string])[] = [
  ["", -600, "Pacific/Honolulu"],
  ["", -420, "America/Phoenix"],
  ["", -360, "America/Regina"],
  ["", -300, "America/Bogota America/Lima America/Panama"],
  ["", -240, "America/Puerto_Rico"],
  ["", 0, "Africa/Accra Atlantic/Reykjavik Etc/UTC UTC"],
  ["", 60, "Africa/Algiers Africa/Lagos"],
  ["", 120, "Africa/Johannesburg"],
  ["", 180, "Africa/Nairobi Asia/Qatar Asia/Riyadh"],
  ["", 240, "Asia/Dubai"],
  ["", 300, "Asia/Tashkent"],
  ["", 330, "Asia/Calcutta Asia/Kolkata"],
  ["", 345, "Asia/Kathmandu"],
  ["", 390, "Asia/Yangon"],
  ["", 420, "Asia/Bangkok Asia/Ho_Chi_Minh Asia/Jakarta Asia/Phnom_Penh Asia/Pontianak Asia/Saigon Asia/Vientiane"],
  ["", 480, "Asia/Brunei Asia/Hong_Kong Asia/Kuala_Lumpur Asia/Kuching Asia/Makassar Asia/Manila Asia/Shanghai Asia/Singapore Asia/Taipei"],
  ["", 540, "Asia/Jayapura Asia/Seoul Asia/Tokyo"],
  ["", 570, "Australia/Darwin"],
  ["", 600, "Australia/Brisbane"],
  ["AU", 570, "Australia/Adelaide"],
  ["AU", 600, "Australia/Canberra Australia/Hobart Australia/Melbourne Australia/Sydney"],
  ["EU", -60, "Atlantic/Azores"],
  ["EU", 0, "Atlantic/Canary Atlantic/Madeira Europe/Belfast Europe/Dublin Europe/Lisbon Europe/London"],
  ["EU", 60, "Europe/Amsterdam Europe/Andorra Europe/Belgrade Europe/Berlin Europe/Bratislava Europe/Brussels Europe/Budapest Europe/Copenhagen Europe/Gibraltar Europe/Ljubljana Europe/Luxembourg Europe/Madrid Europe/Malta Europe/Monaco Europe/Oslo Europe/Paris Europe/Podgorica Europe/Prague Europe/Rome Europe/San_Marino Europe/Sarajevo Europe/Skopje Europe/Stockholm Europe/Tirane Europe/Vaduz Europe/Vatican Europe/Vienna Europe/Warsaw Europe/Zagreb Europe/Zurich"],
  ["EU", 120, "Asia/Nicosia Europe/Athens Europe/Bucharest Europe/Helsinki Europe/Kiev Europe/Kyiv Europe/Riga Europe/Sofia Europe/Tallinn Europe/Vilnius"],
  ["NZ", 720, "Pacific/Auckland"],
  ["US", -540, "America/Anchorage"],
  ["US", -480, "America/Los_Angeles America/Vancouver"],
  ["US", -420, "America/Denver America/Edmonton"],
  ["US", -360, "America/Chicago America/Winnipeg"],
  ["US", -300, "America/Montreal America/New_York America/Toronto"],
  ["US", -240, "America/Halifax"],
];

/** The years, first and last, in which that is so. */
export const STEADY_YEARS = [1995, 2037] as const;
export const RULED_YEARS = [2008, 2037] as const;
