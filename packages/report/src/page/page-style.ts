/**
 * The page's style sheet. Cold is frozen and warm trains, everywhere; the rest is ink on paper. No style stands in an
 * attribute: the page's policy forbids it.
 */
export const PAGE_STYLE: string = `
:root{color-scheme:light dark;
--paper:light-dark(#fdfcfa,#15181b);--panel:light-dark(#f5f3ef,#1d2125);--ink:light-dark(#1c2126,#e6e4df);--soft:light-dark(#5c646c,#a0a7ae);
--hair:light-dark(#e7e4de,#2a2f34);--line:light-dark(#b9b6af,#4b5259);--link:light-dark(#1b5a86,#84bfe6);
--cold:light-dark(#d3e2ec,#2c4455);--cold-line:light-dark(#8fb0c6,#4f7389);--cold-ink:light-dark(#23485f,#bcd9ea);
--warm:light-dark(#c8501c,#e07a45);--warm-soft:light-dark(#f0b08b,#8d4c2b);--warm-ink:light-dark(#fff,#1a0f08);
--flag:light-dark(#8a4b00,#f2b263);--flag-ground:light-dark(#fdf0dc,#3a2a12);--good:light-dark(#1e6b3c,#7fcf9b);--bad:light-dark(#a3201c,#ff9b90);
--s1:light-dark(#1b5a86,#6fb3e0);--s2:light-dark(#c8501c,#f08a55);--s3:light-dark(#2c7a55,#6cc797);--s4:light-dark(#7a4b9a,#c59be0);
--s5:light-dark(#8a6d00,#d8b93f);--s6:light-dark(#a3305f,#ee8db3);--s7:light-dark(#4d5a66,#a9b6c1);--s8:light-dark(#0f7f86,#5fcdd4)}
:root:has(#theme-light:checked){color-scheme:light}
:root:has(#theme-dark:checked){color-scheme:dark}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
header,main{max-width:1360px;margin:0 auto;padding:0 24px}
header{padding-top:22px}
header p{margin:2px 0}
h1{font-size:26px;line-height:1.2;margin:0;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:19px;margin:0 0 8px;letter-spacing:-.005em}
h3{font-size:15px;margin:22px 0 6px}
section{padding:26px 0 6px;border-top:1px solid var(--hair);margin-top:22px}
p{margin:6px 0;max-width:82ch}
a{color:var(--link)}
code,pre{font:12.5px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
code{overflow-wrap:anywhere}
pre{margin:0;padding:10px 12px;background:var(--panel)}
b,strong,th{font-weight:600}
.soft{color:var(--soft)}
.sub{display:block;font-size:12.5px;line-height:1.35}
.big{font-size:16px;font-weight:600;font-variant-numeric:tabular-nums}
.mid{font-variant-numeric:tabular-nums}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip{position:absolute;left:-999px}
.skip:focus{left:8px;top:8px;background:var(--paper);padding:6px 10px;z-index:2}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
main:focus{outline:none}
.bar{display:flex;gap:16px;justify-content:space-between;align-items:flex-start}
.theme{border:1px solid var(--line);border-radius:6px;padding:0;margin:0;display:flex;flex:none;overflow:hidden}
.theme input{position:absolute;opacity:0;width:1px;height:1px}
.theme label{padding:3px 11px;font-size:13px;cursor:pointer;color:var(--soft)}
.theme input:checked+label{background:var(--ink);color:var(--paper)}
.theme input:focus-visible+label{outline:2px solid var(--link);outline-offset:-3px}
nav ul{display:flex;flex-wrap:wrap;gap:2px 18px;list-style:none;padding:0;margin:12px 0 0;font-size:14px}
.scroll{overflow-x:auto}
.legend{list-style:none;padding:0;margin:6px 0;display:flex;flex-wrap:wrap;gap:2px 20px;font-size:13px;color:var(--soft)}
.legend svg{height:12px;width:22px;margin-right:7px;vertical-align:-1px}
.legend svg.wide{display:inline-block;width:60px;height:14px;vertical-align:-3px;margin:0 7px 0 0}
.defs{position:absolute}
.reading{margin-bottom:12px}
.k-val{stroke:var(--ink);stroke-width:1.8}.k-train{stroke:var(--soft);stroke-dasharray:3 2}.k-chance{stroke:var(--soft);stroke-dasharray:1 3}
.strip{display:block;width:320px;max-width:100%;height:auto;margin:2px 0}
.strip text{font-size:10px;fill:var(--soft)}
.strip .in-frozen{fill:var(--cold-ink)}.strip .in-trains{fill:var(--warm-ink)}.strip .in-slow{fill:var(--ink)}
.strip text[class^=in]{font-size:11px;font-weight:600}
.frozen{fill:url(#ice)}.ice-ground{fill:var(--cold)}.ice-line{fill:var(--cold-line);opacity:.45}
.trains{fill:var(--warm)}.slow{fill:var(--warm-soft)}
.strip text.in-frozen{paint-order:stroke;stroke:var(--cold);stroke-width:3px}
.bn-live{fill:var(--warm)}.bn-still{fill:none;stroke:var(--cold-line);stroke-width:.8}
.turn{stroke:var(--ink);stroke-width:1}
.what{font-size:13px;line-height:1.35;margin:1px 0;max-width:330px;font-weight:400}
.phase{font-size:12.5px;margin:7px 0 0;font-weight:400;color:var(--soft)}
.interval{display:block;flex:none;width:112px;height:16px;margin:1px 0}
.interval .axis{stroke:var(--line);fill:none}.interval .range{stroke:var(--ink);stroke-width:2.4}.interval circle{fill:var(--ink)}
.interval .chance{stroke:var(--soft);stroke-dasharray:1.5 1.5}.interval .run{stroke:var(--ink);stroke-width:1}
table{border-collapse:collapse}
.results{width:100%;font-size:14px}
.results thead th{position:sticky;top:0;background:var(--paper);text-align:left;font-size:12.5px;color:var(--soft);font-weight:400;padding:4px 12px 5px 0;border-bottom:1px solid var(--line);vertical-align:bottom}
.results thead th.c7,.results thead th.c8{text-align:right}
.results td,.results tbody th.c0{padding:10px 12px 11px 0;vertical-align:top;text-align:left;border-bottom:1px solid var(--hair);font-weight:400}
.results td.n{text-align:right}
.results .group th{text-align:left;padding:18px 0 4px;font-size:15px;border-bottom:1px solid var(--line)}
.results .label{display:block;font-weight:600;overflow-wrap:anywhere}
.results .best th.c0{box-shadow:-12px 0 0 var(--paper),-15px 0 0 var(--warm)}
.results tr:target{background:var(--panel)}
.c0{width:345px}.c9{min-width:118px;max-width:150px}
.c1{min-width:108px}.c1 .sub{white-space:nowrap}
@media screen and (min-width:1240px){.whole{overflow:visible}}
.badge{font-size:11.5px;font-weight:600;border:1px solid var(--warm);color:var(--ink);border-radius:3px;padding:0 5px;margin-left:8px}
.flag{display:inline-block;font-size:12.5px;color:var(--flag);background:var(--flag-ground);border-radius:3px;padding:0 6px;margin:3px 0 1px;white-space:nowrap}
.c4{max-width:112px}
.plot svg{display:block;max-width:100%;height:auto;font-family:inherit}
.results .plot{width:164px}
figure{margin:8px 0}
.tools,.data{font-size:13px}
.csv{font-size:13px;margin-right:8px}
details.data{display:inline-block;margin-right:16px;vertical-align:top;max-width:100%}
summary{cursor:pointer}
table.plain{font-size:13px;margin:6px 0}
table.plain caption{text-align:left;color:var(--soft);padding-bottom:4px}
table.plain th,table.plain td{padding:3px 16px 3px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--hair)}
table.plain thead th{color:var(--soft);font-weight:400;border-bottom-color:var(--line)}
table.plain td.n{text-align:right}
table.wide td{min-width:120px;max-width:340px;overflow-wrap:anywhere}
.answer{display:grid;grid-template-columns:330px 330px minmax(0,1fr);gap:8px 32px;align-items:start}
.answer-figures{display:grid;grid-template-columns:1fr 1fr;gap:20px;margin:0}
.answer-figures dt{font-size:12.5px;color:var(--soft)}
.answer-figures dd{margin:0}
.answer-figures .big{font-size:24px;letter-spacing:-.01em}
.answer-why p:first-child{margin-top:0}
.caveat{padding-left:12px;border-left:3px solid var(--flag)}
.pair{display:flex;flex-wrap:wrap;gap:12px 44px}
.confusion{font-size:13px;margin:8px 0}
.confusion caption{text-align:left;font-weight:600;padding-bottom:4px}
.confusion thead th{vertical-align:bottom;height:92px;padding:0;width:40px}
.confusion thead th.found{font-weight:400;padding:0 0 4px 12px;text-align:right;color:var(--soft)}
.confusion thead th span{display:block;writing-mode:vertical-rl;transform:rotate(180deg);margin:0 auto 4px;font-weight:400;max-height:150px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.confusion .corner{vertical-align:bottom;color:var(--soft);font-size:12px;padding:0 10px 4px 0}
.confusion tbody th{text-align:right;font-weight:400;padding:0 10px 0 0;max-width:190px;overflow-wrap:anywhere}
.confusion tbody td{width:40px;height:30px;text-align:center;border:1px solid var(--paper)}
.confusion tbody td.recall{width:auto;padding:0 4px 0 12px;text-align:right;color:var(--soft)}
.zero{color:var(--soft)}
${Array.from({ length: 11 }, (_, step) => {
  const share = (step * 4.4).toFixed(1);
  return `.right.h${step}{background:color-mix(in srgb,var(--s3) ${share}%,var(--panel))}.wrong.h${step}{background:color-mix(in srgb,var(--warm) ${share}%,var(--panel))}`;
}).join("\n")}
.photos{list-style:none;padding:0;margin:10px 0;display:grid;grid-template-columns:repeat(auto-fill,minmax(178px,1fr));gap:18px 16px}
.photos li{break-inside:avoid}
.photos p{margin:1px 0;font-size:13px;line-height:1.35}
.photos img,.no-photo{width:128px;height:128px;display:block;border-radius:3px;margin-bottom:5px}
.no-photo{border:1px dashed var(--line);display:grid;place-items:center;text-align:center;font-size:12px;color:var(--soft);padding:8px}
.photos .id{font-size:11.5px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.parity .rung b{white-space:nowrap}.parity td,.parity th{padding-right:26px}.parity tbody th{font-weight:600}.parity .sub{max-width:30ch}
.pass b,.verdict.pass{color:var(--good)}.fail b,.error b,.verdict.fail{color:var(--bad)}
.run{padding:4px 0;border-bottom:1px solid var(--hair);font-size:14px}
.run[open]{padding-bottom:12px}
.run details{margin:6px 0 0 16px}
.run>p{margin-left:16px}
.warning{color:var(--flag)}
.hashes{margin:4px 0;font-size:13px}
.hashes div{display:flex;gap:12px;padding:2px 0}
.hashes dt{flex:0 0 190px;color:var(--soft)}
.hashes dd{margin:0}
@media screen and (max-width:1080px){.answer{grid-template-columns:345px minmax(0,1fr)}.answer-why{grid-column:1/-1}}
@media screen and (max-width:820px){
header,main{padding-left:16px;padding-right:16px}
.answer{display:block}.answer-figures{margin:12px 0}
.results,.results tbody,.results tr{display:block}
.results thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.results tr{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:8px 16px;padding:12px 0;border-bottom:1px solid var(--hair)}
.results tr.group{display:block;padding:10px 0 0;border:0}
.results .group th{display:block}
.results td,.results tbody th.c0{border:0;padding:0;width:auto;max-width:none;text-align:left!important}
.results tbody th.c0{grid-column:1/-1}
.results td::before{content:attr(data-label);display:block;font-size:12px;color:var(--soft)}
.results .best th.c0{box-shadow:none;border-left:3px solid var(--warm);padding-left:9px}
.hashes div{display:block}
}
@media print{
@page{size:A4 landscape;margin:11mm}
:root,:root:has(#theme-dark:checked){color-scheme:light}
:root{--paper:#fff}
html{zoom:.76}
header,main{max-width:none;padding:0}
nav,.theme,.skip,.csv,.tools,details.data{display:none}
.scroll,.whole{overflow:visible}
.results thead th{position:static}
section{break-before:auto;margin-top:10px;padding-top:12px}
tr,figure,.photos li,.confusion{break-inside:avoid}
h2,h3,.group{break-after:avoid}.pair{break-before:avoid}
*{print-color-adjust:exact}
a{color:inherit;text-decoration:none}
}
`;
