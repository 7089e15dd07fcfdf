#pragma once

#include <string_view>

namespace fashion {

/// The style sheet of a report.
constexpr std::string_view report_style = R"(
  :root { --page: #f6f8fa; --card: #ffffff; --ink: #1f2328; --soft: #57606a; --rule: #d8dee4;
          --right: 31, 95, 208; --wrong: 201, 100, 28 }
  @media (prefers-color-scheme: dark) {
    :root { --page: #0d1117; --card: #161b22; --ink: #e6edf3; --soft: #9da7b3; --rule: #30363d;
            --right: 88, 146, 255; --wrong: 240, 163, 94 }
  }
  * { box-sizing: border-box }
  body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
  main { max-width: 1160px; margin: 0 auto; padding: 40px 24px 64px }
  h1 { margin: 0; font-size: 28px; letter-spacing: -0.01em }
  h2 { margin: 0 0 4px; font-size: 18px }
  p { margin: 0 0 16px; color: var(--soft) }
  section { margin-top: 24px; padding: 24px; background: var(--card); border: 1px solid var(--rule);
            border-radius: 10px; overflow-x: auto }
  .facts { display: flex; flex-wrap: wrap; gap: 16px; margin: 24px 0 0 }
  .facts div { flex: 1 1 150px; padding: 14px 18px; background: var(--card); border: 1px solid var(--rule);
               border-radius: 10px }
  .facts b { display: block; font-size: 24px; font-weight: 650; letter-spacing: -0.02em }
  .facts span, td small, figcaption, th { color: var(--soft); font-size: 13px; font-weight: 400 }
  .curves { display: block; width: 100%; min-width: 760px }
  table { border-collapse: separate; border-spacing: 3px; font-variant-numeric: tabular-nums }
  th { text-align: left; padding: 2px 8px; white-space: nowrap }
  .confusion { width: 100% }
  .confusion td { min-width: 58px; padding: 7px 4px; text-align: center; border-radius: 4px }
  .confusion thead th, .confusion tfoot td { text-align: center }
  .mistakes { display: grid; grid-template-columns: repeat(auto-fill, minmax(112px, 1fr)); gap: 18px }
  figure { margin: 0 }
  figure img { width: 100%; max-width: 112px; border-radius: 6px; image-rendering: pixelated }
  figcaption { line-height: 1.35 }
  figcaption b { color: rgb(var(--wrong)); font-weight: 600 }
  .norms { border-spacing: 0; width: 100% }
  .norms th { padding-left: 0 }
  .norms td { padding: 10px 12px 10px 0; border-top: 1px solid var(--rule); vertical-align: top }
  .norms svg { display: block; width: 180px; height: 48px }
  .norms path { stroke: rgb(var(--right)); fill: none }
  .norms line { stroke: var(--rule) }
  code, pre { font: 13px/1.5 ui-monospace, monospace }
  pre { margin: 0; overflow-x: auto }
)";

}  // namespace fashion
